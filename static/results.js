// What the gallery shows changes in place: by each word that is typed, by filters, chips and months, by back and forward.
// The address always says what is shown. Without this script the same form and links load the page anew.

import { addShortcut } from "studio/shortcuts";

const PAUSE = 250; // ms, between two letters
const CURSORS = ["before", "after", "from"];
const form = document.getElementById("filters");
const search = form.elements.q;
const rail = document.getElementById("rail");
const selection = document.getElementById("selection");
const months = form.querySelector("[data-months]");
const announce = document.querySelector(".gallery [data-announce]");
const results = () => document.getElementById("results");
const grid = () => results().querySelector(".grid");
let shown = location.href; // without the place to which somebody has scrolled
let asked = null, timer = 0, isTyping = false;

async function load(address) {
  asked?.abort();
  asked = new AbortController();
  const part = new URL(address);
  part.searchParams.set("part", "results");
  const headers = { "HX-Request": "true", "HX-Current-URL": address };
  const answer = await fetch(part, { headers, redirect: "manual", signal: asked.signal });
  if (!answer.ok) throw new Error(String(answer.status));
  htmx.swap(results(), await answer.text(), { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 0 });
}

async function show(address) {
  shown = address;
  const hadFocus = results().contains(document.activeElement);
  try {
    await load(address);
  } catch (error) {
    if (error.name === "AbortError") return false;
    location.assign(address); // signed out, or the connection is lost: the browser says it best
    return false;
  }
  follow(new URL(address).searchParams);
  const title = results().querySelector("h1");
  if (hadFocus) focusOn(title);
  announce.textContent = grid() ? summary() : title.textContent;
  return true;
}

function summary() {
  const number = grid().querySelectorAll(".card").length, { foundOne, foundMany, foundMore } = form.dataset;
  const words = grid().querySelector(".pager") ? foundMore : number === 1 ? foundOne : foundMany;
  return words.replace("#", number);
}

function focusOn(title) {
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
}

// the form, the rail and the selection go with what is shown
function follow(query) {
  for (const field of form.elements) {
    if (!field.name || field === document.activeElement) continue;
    if (field.type === "checkbox") field.checked = query.has(field.name);
    else field.value = query.get(field.name) || "";
  }
  const place = (params) => ["team", "collection", "tag", "favourite"].map((name) => params.get(name) || "").join();
  for (const item of rail.querySelectorAll("a[data-count]")) {
    const isHere = item.pathname === location.pathname && place(new URL(item.href).searchParams) === place(query);
    if (isHere) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  form.querySelector("[data-active]").textContent = results().dataset.active;
  months.hidden = !("long" in results().dataset);
  selection.elements.next.value = location.pathname + location.search;
}

async function go(address, { replaces = false } = {}) {
  clearTimeout(timer);
  if (!replaces) isTyping = false;
  if (address === location.href) return;
  history[replaces ? "replaceState" : "pushState"]({}, "", address);
  if (!(await show(address))) return;
  const top = form.getBoundingClientRect().top;
  if (top < 0) scrollBy({ top, behavior: "instant" });
}

function addressOfForm() {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
  const address = new URL(form.action);
  address.search = query;
  return address.href;
}

// the letters of one search are one step back
function typed(event) {
  clearTimeout(timer);
  if (event.isComposing) return;
  timer = setTimeout(() => {
    const replaces = isTyping;
    isTyping = true;
    go(addressOfForm(), { replaces });
    isTyping = true;
  }, PAUSE);
}

search.addEventListener("input", typed);
search.addEventListener("blur", () => (isTyping = false));
form.addEventListener("change", ({ target }) => target.name && target !== search && go(addressOfForm()));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const drop of form.querySelectorAll("details")) drop.open = false;
  go(addressOfForm(), { replaces: isTyping });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#results a[data-in-place], [data-list] a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const drop = link.closest("details");
  if (drop) {
    drop.open = false;
    drop.querySelector("summary").focus();
  }
  go(link.href);
});

document.addEventListener("studio:reload", () => show(shown));

// --- The address names the card on top of what is seen, so that going back comes back there, however deep that is.
const isSeen = (card) => card.getBoundingClientRect().bottom > 80;
const top = () =>
  [...grid().querySelectorAll(".card")].find((card, at, { length }) => isSeen(card) || at === length - 1);
let settled = 0;

function remember(card) {
  clearTimeout(settled);
  if (!card) return; // the last one has just gone
  const address = new URL(shown);
  if (scrollY > innerHeight) {
    for (const name of CURSORS) address.searchParams.delete(name);
    address.searchParams.set("from", card.dataset.place);
  }
  history.replaceState({ card: card.id, y: card.getBoundingClientRect().top }, "", address);
}

function comeBack() {
  const card = history.state?.card && document.getElementById(history.state.card);
  if (card) scrollBy({ top: card.getBoundingClientRect().top - history.state.y, behavior: "instant" });
}

history.scrollRestoration = "manual"; // the browser would go by pixels, of a page that is shorter now
comeBack();
addEventListener("popstate", async () => (await show(location.href)) && comeBack());
addEventListener("scroll", () => {
  clearTimeout(settled);
  settled = setTimeout(() => grid() && remember(top()), 200);
}, { passive: true });
// it may lead away
document.addEventListener("click", ({ target }) => target.closest?.("#results .card") && remember(top()), true);

addShortcut("/", search.placeholder, () => search.focus());
