// What is wrong with the page that is shown, as a list of sentences.
(() => {
  const wrong = [];
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // rgba of any colour that CSS can name
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) => {
    const [r, g, b] = rgba(colour).slice(0, 3).map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const shown = (element) => element.getClientRects().length > 0;
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const text = words.currentNode.data.trim(), element = words.currentNode.parentElement;
    if (!text || !shown(element)) continue;
    const ratio = contrast(getComputedStyle(element).color, behind(element));
    if (ratio < 4.5) wrong.push(`"${text}" has a contrast of ${ratio.toFixed(1)}`);
  }
  for (const input of document.querySelectorAll("input:not([type=hidden])")) {
    const ratio = contrast(getComputedStyle(input).borderTopColor, behind(input.parentElement));
    if (ratio < 3) wrong.push(`the edge of ${input.id} has a contrast of ${ratio.toFixed(1)}`);
    if (!input.labels.length) wrong.push(`${input.id} has no label`);
    if (input.type !== "checkbox" && !input.autocomplete) wrong.push(`${input.id} does not say what fills it in`);
    const told = (input.getAttribute("aria-describedby") || "").split(" ").filter(Boolean);
    for (const id of told) if (!document.getElementById(id)) wrong.push(`${input.id} is described by nothing`);
    const error = input.closest(".field")?.querySelector(".error");
    if (error && !(told.includes(error.id) && input.getAttribute("aria-invalid") === "true")) wrong.push(`${input.id} is not tied to its error`);
  }
  const failed = document.querySelector("[aria-invalid]");
  if (failed && document.activeElement !== failed) wrong.push(`the focus is not on ${failed.id}, the first that is wrong`);
  for (const target of document.querySelectorAll("button, input:not([type=hidden]):not([type=checkbox]), a")) {
    const { height } = target.getBoundingClientRect();
    if (shown(target) && height < 44) wrong.push(`"${target.textContent || target.id}" is ${height}px high, too little for a thumb`);
  }
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`the page is ${root.scrollWidth}px wide, the window ${root.clientWidth}px`);
  if (!root.lang) wrong.push("the page does not say which language it is in");
  if (document.querySelectorAll("main").length !== 1 || document.querySelectorAll("h1").length !== 1) wrong.push("the page needs one main part and one heading");
  if (document.querySelector("script")) wrong.push("the page has a script");
  return wrong;
})();
