#!/usr/bin/env bash
# Rebuilds django.txt.gz and more.txt.gz:  update.sh .../django/contrib/auth/common-passwords.txt.gz
# The argument is the file of an installed Django 5.2. Needs npm, jq and gzip.
set -euo pipefail
export LC_ALL=C.UTF-8
django_list=$(realpath "${1:?name the common-passwords.txt.gz of an installed Django}")
django_sum=29ca0fa5303165f012f3e9775e3e95a3071cdd59f219973ec1cbb308d0214a6f # of the text, Django 5.2
language_common=4.1.3

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

gunzip -c "$django_list" >django.txt
echo "$django_sum  django.txt" | sha256sum --check --quiet

npm pack --silent "@zxcvbn-ts/language-common@$language_common" >npm.log
tar -xzf zxcvbn-ts-language-common-*.tgz
# What Django's list lacks and is long enough to pass Django's usual minimum.
jq -r '.[] | ascii_downcase | select(length >= 8)' package/src/passwords.json |
	awk 'NR == FNR { seen[$0]; next } !($0 in seen) { seen[$0]; print }' django.txt - >more.txt

for list in django more; do
	gzip -9 -n -c "$list.txt" >"$here/$list.txt.gz"
	echo "$list: $(wc -l <"$list.txt") entries"
done
