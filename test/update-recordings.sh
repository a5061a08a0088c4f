#!/usr/bin/env bash
# Takes over recordings of the reference stack: copies GROUP/NAME.json of every group that is played here from the
# folder given into test/recordings, and deletes the ones that are gone there. The groups more-* stay: they are recorded for
# this project alone.
#
#   test/update-recordings.sh PATH
set -euo pipefail
export LC_ALL=C

groups=(djoser jwt drf drfauth)

if [[ $# -ne 1 || ! -d $1 ]]; then
	echo "usage: $0 PATH (a folder of recordings, one folder per group)" >&2
	exit 2
fi
from=$(cd "$1" && pwd)
to=$(cd "$(dirname "$0")" && pwd)/recordings

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
for prefix in "${groups[@]}"; do
	for group in "$from/$prefix"-*/; do
		[[ -d $group ]] || continue
		mkdir -p "$fresh/$(basename "$group")"
		cp "$group"*.json "$fresh/$(basename "$group")/"
	done
done
if [[ -z $(ls -A "$fresh") ]]; then
	echo "$from holds no recordings" >&2
	exit 1
fi
find "$fresh" -type f -exec chmod 644 {} +
mkdir -p "$to"
diff -rq "$to" "$fresh" | sed "s|$fresh|new|; s|$to|old|" || true
find "$to" -mindepth 1 -maxdepth 1 ! -name 'more-*' -exec rm -r {} +
cp -R "$fresh"/. "$to"/
echo "$(find "$to" -name '*.json' | wc -l) recordings in $to"
