// Live updates: asks /events what has moved and lets htmx fetch those parts again.
// Each second while something on the page is being made, faster in the few in which a made one is being copied,
// each 15 s otherwise and while nobody looks. The queue's positions, the tab's title and the bell follow.

import { toast } from "studio";

const HURRIED = 300, HURRY_LASTS = 5000, FAST = 1000, SLOW = 15000, SLOWEST_RETRY = 30000;
const page = document.querySelector("[data-live]");
const words = document.createElement("p"); // the quiet notice at the bottom
const asked = new Map(); // id → the version that was last fetched
let since = 0, etag = "", failures = 0, timer = 0, isAsking = false, hurriedUntil = 0;

const parts = (id) => page.querySelectorAll(`[data-generation="${CSS.escape(id)}"]`);
const isBusy = () => page.querySelector("[data-open]") !== null;
const isNearlyDone = () => Date.now() < hurriedUntil && page.querySelector("[data-open=mirroring]") !== null;

function delay() {
  if (failures) return Math.min(FAST * 2 ** failures, SLOWEST_RETRY);
  if (document.hidden || !isBusy()) return SLOW;
  return isNearlyDone() ? HURRIED : FAST;
}

function plan(milliseconds = delay()) {
  clearTimeout(timer);
  timer = setTimeout(ask, milliseconds);
}

async function ask() {
  if (isAsking) return;
  isAsking = true;
  try {
    const address = `${page.dataset.live}?since=${since}`;
    const answer = await fetch(address, {
      headers: etag ? { "If-None-Match": etag } : {},
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(10000),
    });
    if (answer.type === "opaqueredirect") return signedOut();
    if (!answer.ok && answer.status !== 304) throw new Error(String(answer.status));
    if (answer.status === 200) take(answer.headers.get("ETag"), await answer.json());
    failures = 0;
    words.textContent = "";
  } catch {
    failures += 1;
    if (failures > 1) words.textContent = page.dataset.lost;
  } finally {
    isAsking = false;
  }
  plan();
}

function take(newEtag, { now, moved, unread }) {
  // for the bell, and for browser_notifications.js
  document.dispatchEvent(new CustomEvent("studio:moved", { detail: { since, unread } }));
  etag = newEtag || "";
  since = now;
  hurriedUntil = Date.now() + HURRY_LASTS; // not for hours, should the bucket be away
  for (const [id, version] of moved) {
    for (const part of parts(id)) {
      if (version <= Math.max(Number(part.dataset.version), asked.get(id) || 0)) continue;
      asked.set(id, version);
      htmx.trigger(part, "moved");
    }
  }
}

function signedOut() {
  words.textContent = page.dataset.signedOut;
}

// a part that could not be fetched is asked for again, even if it does not move any more
function again(event) {
  const id = event.detail.elt.dataset.generation;
  if (!id) return;
  asked.delete(id);
  setTimeout(() => parts(id).forEach((part) => htmx.trigger(part, "moved")), 3000);
}

function refused(event) {
  const { xhr } = event.detail;
  const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  if (xhr.status >= 500) again(event);
  else if (xhr.status === 403 && isText) toast(xhr.responseText);
}

// the sign-in page must not land inside a card
function keepOut(event) {
  const { xhr, requestConfig } = event.detail;
  const path = (address) => new URL(address, location.href).pathname;
  if (path(xhr.responseURL || location.href) === path(requestConfig.path)) return;
  event.detail.shouldSwap = false;
  signedOut();
}

// the log stays where the reader left it: at its end, or where they have scrolled to
let log = null;
function rememberLog() {
  const element = page.querySelector(".log");
  const atEnd = element && element.scrollTop + element.clientHeight > element.scrollHeight - 8;
  log = element && { top: element.scrollTop, atEnd };
}
function scrollLog() {
  const element = page.querySelector(".log");
  if (element) element.scrollTop = !log || log.atEnd ? element.scrollHeight : log.top;
}

// What is replaced while it has the focus gives it to its like in the new part, or to what tells of the change; what
// was unfolded stays so. (htmx itself looks for the same id alone.)
let replaced = null;
const containerOf = (element) => element.closest("[data-generation], [data-replaced]");
const summaries = (container) =>
  [...container.querySelectorAll("details")].map((one) => [
    one.querySelector("summary").textContent.trim(),
    one,
  ]);

function rememberFocus() {
  const element = document.activeElement;
  const container = containerOf(element);
  const opened = [...page.querySelectorAll("[data-generation] details[open], [data-replaced] details[open]")];
  replaced = {
    element,
    container,
    opened: opened.map((one) => [containerOf(one).id, one.querySelector("summary").textContent.trim()]),
  };
}

const like = (element, container) => {
  const { id, tagName } = element;
  const alike = [...container.querySelectorAll(tagName)];
  return (id && alike.find((other) => other.id === id)) ||
    alike.find((other) => other.href ? other.href === element.href : other.name && other.name === element.name) ||
    alike.find((other) => !other.id && other.textContent.trim() && other.textContent === element.textContent);
};

function giveFocusBack() {
  if (!replaced) return;
  const { element, container, opened } = replaced;
  for (const [id, words] of opened) {
    const now = document.getElementById(id);
    for (const [summary, details] of now ? summaries(now) : []) if (summary === words) details.open = true;
  }
  if (!container || element.isConnected || document.activeElement !== document.body) return;
  const now = container.id ? document.getElementById(container.id) : parts(container.dataset.generation)[0];
  if (!now) return;
  const heir = like(element, now) || now.querySelector("h2, .card__prompt") || now;
  if (heir.tabIndex < 0) heir.tabIndex = -1;
  heir.focus({ preventScroll: true });
}

// what has changed is said once, and not each byte of a copy
const withoutNumbers = (text) => text.replace(/[\d.,]+/g, "");
let before = "";
function announce(event) {
  const says = event.detail.elt.dataset?.says;
  if (says && withoutNumbers(says) !== withoutNumbers(before)) page.querySelector("[data-announce]").textContent = says;
}

function begin() {
  since = Number(page.dataset.now);
  words.className = "connection";
  words.setAttribute("role", "status");
  document.body.append(words);
  document.addEventListener("htmx:sendError", again);
  document.addEventListener("htmx:timeout", again);
  document.addEventListener("htmx:responseError", refused);
  document.addEventListener("htmx:beforeSwap", keepOut);
  document.addEventListener("htmx:beforeSwap", rememberLog);
  document.addEventListener("htmx:load", scrollLog);
  document.addEventListener("htmx:beforeSwap", rememberFocus);
  document.addEventListener("htmx:afterSettle", giveFocusBack);
  document.addEventListener("htmx:beforeSwap", (event) => (before = event.detail.target.dataset?.says || ""));
  document.addEventListener("htmx:load", announce);
  document.addEventListener("htmx:load", () => isNearlyDone() && plan());
  document.addEventListener("visibilitychange", () => !document.hidden && plan(0));
  window.addEventListener("online", () => plan(0));
  plan();
}

if (page) begin();

// --- The position of each video that waits in the studio's queue: asked for every few seconds, and only while one is on
// the page.

const POSITIONS_EVERY = 4000, POSITIONS_RETRY = 60000; // ms
const queue = document.querySelector("[data-positions]");
let positionFailures = 0;

const waiting = () =>
  [...queue.querySelectorAll("[data-open=queued]")].filter((part) => part.querySelector("[data-ahead]"));

async function askPositions() {
  const parts = document.hidden ? [] : waiting();
  if (!parts.length) return;
  const ids = parts.map((part) => part.dataset.generation).join(",");
  try {
    const answer = await fetch(`${queue.dataset.positions}?ids=${ids}`, { cache: "no-store", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const words = await answer.json();
    for (const part of parts) part.querySelector("[data-ahead]").textContent = words[part.dataset.generation] || "";
    positionFailures = 0;
  } catch {
    positionFailures += 1; // the updates say that the connection is lost
  }
}

const followPositions = () =>
  askPositions().finally(() =>
    setTimeout(followPositions, Math.min(POSITIONS_EVERY * 2 ** positionFailures, POSITIONS_RETRY))
  );
if (queue) {
  followPositions();
  document.addEventListener("htmx:load", ({ detail }) => detail.elt.matches?.("[data-open=queued]") && askPositions());
}

// --- The tab says how many on its page are being made, "(2) Gallery", and its icon wears a dot meanwhile.

const moving = document.querySelector("main [data-live]");
const icon = document.querySelector("link[rel=icon]");
const title = document.title.replace(/^\(\d+\) /, "");
const calmIcon = icon.getAttribute("href");
let movingBefore = 0;

// only when the number changes: a page that updates each second must not make its tab flicker
function showMoving() {
  const number = moving.querySelectorAll("[data-open]").length;
  if (number === movingBefore) return;
  movingBefore = number;
  document.title = number ? `(${number}) ${title}` : title;
  icon.setAttribute("href", number ? icon.dataset.busy : calmIcon);
}

if (moving) {
  showMoving();
  new MutationObserver(showMoving).observe(moving, { subtree: true, childList: true });
}

// --- The bell: its menu is fetched when it is opened, its number follows the updates, and what is opened counts as read.

const bell = document.getElementById("bell");
const badge = bell?.querySelector(".bell__badge");
const bellList = bell?.querySelector(".bell__list");

function showUnread(number) {
  const words = number > 9 ? "9+" : String(number);
  badge.textContent = words;
  badge.hidden = number === 0;
  const label = number ? `${bell.dataset.some} ${words}` : bell.dataset.none;
  bell.querySelector("summary").setAttribute("aria-label", label);
}

async function fillBell() {
  try {
    const answer = await fetch(bell.dataset.menu, { cache: "no-store", redirect: "error" });
    if (answer.ok) bellList.innerHTML = await answer.text();
  } catch {
    // the link to the page is still there
  }
}

const sendRead = (data) =>
  fetch(bellList.dataset.read, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: data,
    keepalive: true, // the page is being left
    redirect: "error",
  });

async function readAll(form) {
  try {
    if (!(await sendRead(new FormData(form))).ok) return form.submit();
  } catch {
    return form.submit();
  }
  showUnread(0);
  const told = form.closest(".told");
  for (const line of told.querySelectorAll(".told__line--new")) line.classList.remove("told__line--new");
  for (const words of told.querySelectorAll(".told__line .visually-hidden")) words.remove();
  (told.querySelector(".told__line a") || bell.querySelector("summary")).focus();
  form.remove();
  told.querySelector(".told__counts")?.remove();
}

if (bell) {
  bell.addEventListener("toggle", () => bell.open && fillBell());
  document.addEventListener("submit", (event) => {
    if (!event.target.closest(".told")) return;
    event.preventDefault();
    readAll(event.target);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".told a[data-read]");
    const token = link?.closest(".told").querySelector("[name=csrfmiddlewaretoken]");
    if (!token) return;
    const data = new FormData();
    data.set("csrfmiddlewaretoken", token.value);
    data.set("id", link.dataset.read);
    sendRead(data).catch(() => {}); // it stays unread
  });
  document.addEventListener("studio:moved", ({ detail }) => detail.unread !== undefined && showUnread(detail.unread));
}
