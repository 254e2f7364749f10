// Selection in the gallery: by click, shift, keys and "select all"; what is done with it is done in place and can be
// undone; cards are dragged onto the rail. Without this script all of it is a plain form, and a heart is a plain button.

import { addShortcut, toast } from "studio";

const form = document.getElementById("selection");
const page = form.closest("[data-live]");
const count = form.querySelector(".selection__count");
const [all, compare, between, heartOn, heartOff] = [
  ...["[data-all]", "[value=compare]", "[data-between]"],
  ...["[value=favourite]", "[value=unfavourite]"],
].map((name) => form.querySelector(name));
const DRAGGED = "application/x-studio-videos";
const chosen = new Set(); // ids: of cards that are here, and of those that are further down
let last = null; // the box from which shift takes a range
let found = null; // the ids of all that the page's filters find, as far as that is known

const boxes = () => [...document.querySelectorAll(".card__select input")];
const cardOf = (id) => document.getElementById(`card-${id}`);
const cardAtHand = () => document.activeElement.closest(".card") || document.querySelector(".card:hover");
const isTooMany = (number) => number > Number(count.dataset.limit);
const isHearted = (card) => card?.querySelector("[data-favourite]").getAttribute("aria-pressed") === "true";
const changed = () => document.dispatchEvent(new Event("studio:changed"));

// --- what is selected

function show() {
  const number = chosen.size;
  page.classList.toggle("has-selection", number > 0);
  const words = number === 1 ? count.dataset.one : count.dataset.many.replace("#", number);
  const note = isTooMany(number)
    ? count.dataset.most
    : isNewestOfMore()
    ? count.dataset.newest.replace("#", number)
    : "";
  count.textContent = note ? `${words} · ${note}` : words;
  count.classList.toggle("selection__count--over", isTooMany(number));
  const isOpen = [...chosen].some((id) => cardOf(id)?.querySelector(".card__state"));
  for (const [button, most] of [[compare, 4], [between, 2]]) {
    button.disabled = number < 2 || number > most || isOpen;
    button.title = button.disabled ? button.dataset.why : "";
  }
  const areHearts = number > 0 && [...chosen].every((id) => isHearted(cardOf(id)));
  heartOff.hidden = !areHearts && !("favourites" in document.getElementById("results").dataset);
  heartOn.hidden = areHearts;
  all.hidden = !found || found.ids.every((id) => chosen.has(id));
  if (found) all.textContent = `${all.dataset.words} ${found.ids.length}${found.more ? "+" : ""}`;
  if (number && !found) findAll();
}

const isNewestOfMore = () => found?.more && chosen.size === found.ids.length && found.ids.every((id) => chosen.has(id));

async function findAll() {
  const address = new URL(location.href);
  for (const name of ["before", "after", "from"]) address.searchParams.delete(name);
  address.searchParams.set("part", "ids");
  found = { ids: [], more: false }; // asked once
  const answer = await fetch(address, { redirect: "error" }).catch(() => null);
  if (answer?.ok) found = await answer.json();
  show();
}

async function selectAll() {
  if (!found?.ids.length) await findAll();
  for (const id of found.ids) chosen.add(id);
  for (const box of boxes()) box.checked ||= chosen.has(box.value);
  show();
}

function set(box, isOn) {
  box.checked = isOn;
  chosen[isOn ? "add" : "delete"](box.value);
}

function setRange(from, to, isOn) {
  const every = boxes();
  const [first, final] = [every.indexOf(from), every.indexOf(to)].sort((a, b) => a - b);
  if (first >= 0) every.slice(first, final + 1).forEach((box) => set(box, isOn));
}

function clicked(event) {
  const box = event.target.closest?.(".card__select input");
  if (!box) return;
  const before = boxes().find((other) => other.value === last);
  if (event.shiftKey && before) setRange(before, box, box.checked);
  set(box, box.checked);
  last = box.value;
  show();
}

function switchCard() {
  const box = cardAtHand()?.querySelector(".card__select input");
  if (!box) return false;
  set(box, !box.checked);
  last = box.value;
  return show();
}

function clear() {
  if (!chosen.size) return false;
  boxes().forEach((box) => set(box, false));
  chosen.clear();
  closeDrops();
  return show();
}

function closeDrops() {
  for (const open of form.querySelectorAll("details[open]")) open.open = false;
}

// --- what is done with it

// the server's answer, or null when there is none that could be used; why is said here
async function post(address, body) {
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  const headers = { Accept: "application/json" };
  const answer = await fetch(address, { method: "POST", body, headers, redirect: "manual" }).catch(() => null);
  if (answer?.ok) return answer.json();
  const why = { 403: form.dataset.refused, 0: answer && page.dataset.signedOut }[answer?.status ?? 0];
  toast(why || form.dataset.failed);
  return null;
}

async function act(values, ids = [...chosen]) {
  if (isTooMany(ids.length)) return toast(count.dataset.most);
  const body = new FormData();
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  for (const id of ids) body.append("ids", id);
  body.set("next", location.pathname + location.search);
  const answer = await post(form.action, body);
  if (!answer) return;
  const undo = [heart(ids, values.verb), remove(answer.gone)];
  toast(
    answer.messages.join(" "),
    answer.undo && {
      label: form.dataset.undoWords,
      run: () => takeBack(answer.undo, undo),
    },
  );
  changed();
}

async function takeBack(token, undo) {
  const body = new FormData();
  body.set("token", token);
  const answer = await post(form.dataset.undo, body);
  if (!answer) return;
  for (const run of undo) run();
  toast(answer.messages.join(" "));
  changed();
}

// each of these shows what was done, and returns what shows it undone

function heart(ids, verb) {
  if (!verb.endsWith("favourite")) return () => {};
  const isOn = verb === "favourite";
  const cards = ids.map(cardOf).filter((card) => card && isHearted(card) !== isOn);
  const press = (on) =>
    cards.forEach((card) => card.querySelector("[data-favourite]").setAttribute("aria-pressed", on));
  press(isOn);
  show();
  return () => (press(!isOn), show());
}

function remove(ids) {
  const cards = ids.map(cardOf).filter(Boolean);
  const places = cards.map((card) => ({ card, before: card.previousElementSibling, grid: card.parentElement }));
  const isFocused = cards.some((card) => card.contains(document.activeElement)) ||
    form.contains(document.activeElement);
  const neighbour = cards.length ? nextOf(cards) : null;
  for (const id of ids) chosen.delete(id);
  for (const card of cards) card.remove();
  found = null;
  closeDrops();
  show();
  if (isFocused && neighbour) neighbour.querySelector(".card__prompt").focus({ preventScroll: true });
  if (cards.length && !document.querySelector("#results .card")) reload();
  return () => putBack(places);
}

function nextOf(cards) {
  const every = [...document.querySelectorAll("#results .card")];
  const at = Math.max(...cards.map((card) => every.indexOf(card)));
  const isStaying = (card) => !cards.includes(card);
  return every.slice(at + 1).find(isStaying) || every.slice(0, at).findLast(isStaying);
}

const reload = () => document.dispatchEvent(new Event("studio:reload"));

// in the order in which they were taken, so that each finds the one before it
function putBack(places) {
  if (!places.length) return;
  if (places.some(({ grid }) => !grid.isConnected)) return reload();
  for (const { card, before, grid } of places) {
    card.querySelector(".card__select input").checked = false;
    if (before?.isConnected) before.after(card);
    else grid.prepend(card);
  }
  found = null;
}

function submitted(event) {
  const by = event.submitter;
  if (isTooMany(chosen.size)) {
    event.preventDefault();
    toast(count.dataset.most);
  } else if (by?.name === "verb" && by.value !== "compare") {
    event.preventDefault();
    const summary = by.closest("details")?.querySelector("summary");
    const { tag, collection, storyboard } = form.elements;
    act({ verb: by.value, tag: tag.value, collection: collection.value, storyboard: storyboard.value });
    closeDrops();
    summary?.focus();
  } else nameTheRest();
}

// what leads to another page or a file is a plain form: with the videos that are further down, too
function nameTheRest() {
  for (const field of form.querySelectorAll("input[data-rest]")) field.remove();
  for (const id of chosen) if (!cardOf(id)) addField("ids", id);
  addField("order", [...chosen].join(",")); // in which they were selected
}

function addField(name, value) {
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name, value });
  field.dataset.rest = "";
  form.append(field);
}

function pressed(event) {
  if (event.key === "Escape") form.querySelector("details[open]")?.removeAttribute("open");
  if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
  event.preventDefault();
  event.target.closest(".selection__name").querySelector("button").click();
}

function trash() {
  const ids = chosen.size ? [...chosen] : [cardAtHand()?.dataset.generation].filter(Boolean);
  if (!ids.length) return false;
  return act({ verb: "delete" }, ids);
}

// --- hearts

async function favourite(event) {
  const button = event.target.closest?.("[data-favourite][form=selection]");
  if (!button) return;
  event.preventDefault();
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  const answer = await fetch(button.formAction, { method: "POST", body, redirect: "manual" }).catch(() => null);
  if (answer?.type !== "opaqueredirect") return toast(form.dataset.failed);
  button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
  changed();
}

function favouriteAtHand() {
  const button = cardAtHand()?.querySelector("[data-favourite]");
  return button ? button.click() : false;
}

// --- dragged onto the rail

function dragged(event) {
  const card = event.target.closest?.("#results .card");
  if (!card) return;
  const id = card.dataset.generation;
  event.dataTransfer.setData(DRAGGED, (chosen.has(id) ? [...chosen] : [id]).join());
  event.dataTransfer.effectAllowed = "copyMove";
  document.body.classList.add("is-dragging");
}

function over(event) {
  const item = event.target.closest?.("[data-drop]");
  const isOurs = item && event.dataTransfer.types.includes(DRAGGED);
  for (const other of document.querySelectorAll(".rail__item--over")) {
    if (other !== item) other.classList.remove("rail__item--over");
  }
  if (!isOurs) return;
  event.preventDefault();
  item.classList.add("rail__item--over");
}

function dropped(event) {
  const item = event.target.closest?.("[data-drop]");
  const ids = event.dataTransfer.getData(DRAGGED);
  if (!item || !ids) return;
  event.preventDefault();
  const { drop, value = "" } = item.dataset;
  act(
    { verb: drop, ...(drop === "tag" && { tag: value }), ...(drop === "move" && { collection: value }) },
    ids.split(","),
  );
}

function letGo() {
  document.body.classList.remove("is-dragging");
  document.querySelector(".rail__item--over")?.classList.remove("rail__item--over");
}

// --- what comes and goes

// the filters know the names already; asking the database once more is not worth it
function fillNames() {
  for (const list of form.querySelectorAll("datalist")) {
    const known = document.getElementById(list.dataset.from)?.options || [];
    list.append(...[...known].filter((option) => option.value).map((option) => new Option("", option.text)));
  }
}

function loaded({ detail: { elt } }) {
  if (elt.id === "results") {
    chosen.clear(); // what is selected is what one sees, or has asked for
    found = null;
  }
  for (const box of elt.querySelectorAll?.(".card__select input") || []) box.checked ||= chosen.has(box.value);
  show();
}

function shown() {
  for (const box of boxes()) if (box.checked) chosen.add(box.value);
  show();
}

all.dataset.words = all.textContent.trim();
all.addEventListener("click", selectAll);
form.querySelector("[data-clear]").hidden = false;
form.querySelector("[data-clear]").addEventListener("click", clear);
form.addEventListener("submit", submitted);
form.addEventListener("keydown", pressed);
form.addEventListener("toggle", ({ target }) => target.open && target.querySelector("input")?.focus(), true);
document.addEventListener("click", clicked);
document.addEventListener("click", favourite);
document.addEventListener("htmx:load", loaded);
document.addEventListener("dragstart", dragged);
document.addEventListener("dragover", over);
document.addEventListener("drop", dropped);
document.addEventListener("dragend", letGo);
window.addEventListener("pageshow", shown);
addShortcut("x", form.dataset.keySelect, switchCard);
addShortcut("a", form.dataset.keyAll, () => boxes().length > 0 && void selectAll());
addShortcut("f", form.dataset.keyFavourite, favouriteAtHand);
addShortcut("Delete", form.dataset.keyDelete, trash);
addShortcut("Escape", form.dataset.keyClear, clear);
fillNames();
