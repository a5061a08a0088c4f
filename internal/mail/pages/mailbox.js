// Whenever the server says that the mailbox is not as the list shows it, the list is fetched anew. Without this script the page shows what was there when it was loaded.
new EventSource("events").onmessage = async (event) => {
  const old = document.getElementById("list");
  if (event.data === old.dataset.state) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const list = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("list");
  if (!answer.ok || !list) return location.replace("./"); // the mail that was open is gone
  const links = (nav) => [...nav.querySelectorAll("li a")];
  const known = new Set(links(old).map((a) => a.href));
  const fresh = links(list).filter((a) => !known.has(a.href));
  const focused = old.contains(document.activeElement) && document.activeElement.href;
  old.replaceWith(list);
  links(list).find((a) => a.href === focused)?.focus();
  for (const a of fresh) a.classList.add("new");
  if (fresh.length) document.getElementById("news").textContent = "New mail: " + fresh[0].querySelector("b").textContent;
  if (!document.body.classList.contains("reading")) document.title = "Mailbox (" + links(list).length + ")";
};
