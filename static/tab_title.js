// The tab says how many on its page are being made, "(2) Gallery", and its icon wears a dot meanwhile.

const page = document.querySelector("main [data-live]");
const icon = document.querySelector("link[rel=icon]");
const words = document.title.replace(/^\(\d+\) /, "");
const calm = icon.getAttribute("href");
let before = 0;

// only when the number changes: a page that updates each second must not make its tab flicker
function show() {
  const number = page.querySelectorAll("[data-open]").length;
  if (number === before) return;
  before = number;
  document.title = number ? `(${number}) ${words}` : words;
  icon.setAttribute("href", number ? icon.dataset.busy : calm);
}

if (page) {
  show();
  new MutationObserver(show).observe(page, { subtree: true, childList: true });
}
