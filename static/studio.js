// What every page may use: the menus close, texts are copied, times are local, clocks tick; messages, shortcuts, and
// forms that lose nothing.

for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

async function copy(button) {
  const label = button.querySelector("[data-copy-label]");
  const words = label.textContent, source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  label.textContent = label.dataset.copyLabel;
  setTimeout(() => (label.textContent = words), 1500);
}

// Times are the person's, in their language. Who has set no zone has the browser's, which the server is told of, since
// it filters by days and writes mails.
const browsersZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const timeZone = document.documentElement.dataset.zone || browsersZone;
if (browsersZone && !document.cookie.split("; ").includes(`time_zone=${browsersZone}`)) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `time_zone=${browsersZone}; path=/; max-age=31536000; samesite=lax${secure}`;
}

function localTime(element) {
  const moment = new Date(element.dateTime);
  element.title = moment.toLocaleString([], { timeZone, dateStyle: "full", timeStyle: "long" });
  element.textContent = element.dataset.local === "time"
    ? moment.toLocaleTimeString([], { timeZone })
    : moment.toLocaleString([], { timeZone, dateStyle: "medium", timeStyle: "short" });
  element.removeAttribute("data-local");
}

// seconds are counted from what the server said, so a wrong clock here does no harm
const started = new WeakMap();
function tick(element) {
  if (!started.has(element)) started.set(element, performance.now() - Number(element.dataset.elapsed) * 1000);
  const seconds = Math.floor((performance.now() - started.get(element)) / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (number) => String(number).padStart(2, "0");
  element.textContent = hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  const late = element.parentElement.querySelector("[data-late]");
  if (late) late.hidden = seconds <= Number(late.dataset.late);
}

function look(root) {
  root.querySelectorAll("time[data-local]").forEach(localTime);
  root.querySelectorAll("[data-elapsed]").forEach(tick);
  if (!navigator.clipboard) return; // only secure pages may copy
  root.querySelectorAll("[data-copy][hidden]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  });
}

look(document);
document.addEventListener("htmx:load", (event) => look(event.detail.elt));
setInterval(() => document.querySelectorAll("[data-elapsed]").forEach(tick), 1000);

// that nothing is sent to fal is over by itself one day: asked for while it shows
const PAUSE_EVERY = 10000; // ms
async function refreshPause() {
  const banner = document.querySelector("[data-pause]");
  if (!banner) return;
  try {
    const answer = document.hidden ? null : await fetch(banner.dataset.pause, { cache: "no-store", redirect: "error" });
    if (answer?.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-pause]");
      if (!now) banner.remove();
      else if (now.textContent !== banner.dataset.words) {
        now.dataset.words = now.textContent;
        banner.replaceWith(now);
        look(now);
      }
    }
  } catch {
    // asked again in a moment
  }
  setTimeout(refreshPause, PAUSE_EVERY);
}
setTimeout(refreshPause, PAUSE_EVERY);

// --- `toast("Moved.", { label: "Undo", run })`: a short message at the bottom that goes by itself, with one action at
// most

const region = document.getElementById("toasts");
const LASTS = 6000, WITH_ACTION = 12000; // ms; longer while the pointer or the focus is on it

function toastButton(words, name, run) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `toast__verb ${name}`;
  made.textContent = words;
  made.addEventListener("click", run);
  return made;
}

export function toast(text, action) {
  const element = document.createElement("div");
  const words = document.createElement("p");
  element.className = "toast";
  words.textContent = text;
  element.append(words);
  let timer = 0;
  const go = () => element.remove();
  const wait = () => (timer = setTimeout(go, action ? WITH_ACTION : LASTS));
  if (action) element.append(toastButton(action.label, "", () => (go(), action.run())));
  const close = toastButton("×", "toast__close", go);
  close.setAttribute("aria-label", region.dataset.close);
  element.append(close);
  for (const name of ["pointerenter", "focusin"]) element.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) element.addEventListener(name, () => (clearTimeout(timer), wait()));
  region.append(element);
  wait();
  return element;
}

// what can be undone stands on the page where scripts are off; here it goes by itself
for (const form of document.querySelectorAll(".notice__undo")) {
  const notice = form.closest(".notice"), label = form.querySelector("button").textContent;
  toast(notice.querySelector("span").textContent, { label, run: () => form.requestSubmit() });
  notice.hidden = true;
}

// --- Keyboard shortcuts: a page adds its own with `addShortcut("j", "Next video", run)`; `?` lists those that it has.
// Several keys may be one shortcut: `addShortcut(["ArrowLeft", "ArrowRight"], …)`.

const shortcutsDialog = document.getElementById("shortcuts");
const shortcutsList = shortcutsDialog.querySelector("dl");
const shortcutsByKey = new Map();
const CAPS = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  Delete: "Del",
};

export function addShortcut(keys, words, run) {
  const shortcut = { keys: [keys].flat(), words, run };
  for (const key of shortcut.keys) shortcutsByKey.set(key, shortcut);
}

const isTyping = (element) => element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if (isTyping(event.target) && event.target.type !== "checkbox") return;
  if (document.querySelector("dialog[open]")) return;
  const found = shortcutsByKey.get(event.key);
  if (found && found.run(event) !== false) event.preventDefault();
});

function cap(key) {
  const made = document.createElement("kbd");
  made.textContent = CAPS[key] || key;
  return made;
}

function showShortcuts() {
  shortcutsList.replaceChildren(
    ...[...new Set(shortcutsByKey.values())].flatMap(({ keys, words }) => {
      const term = document.createElement("dt");
      const meaning = document.createElement("dd");
      meaning.textContent = words;
      term.append(...keys.map(cap));
      return [term, meaning];
    }),
  );
  shortcutsDialog.showModal();
}

const { help, gallery, new: fresh, galleryUrl, newUrl } = shortcutsList.dataset;
addShortcut("?", help, showShortcuts);
addShortcut("g", gallery, () => location.assign(galleryUrl));
addShortcut("n", fresh, () => location.assign(newUrl));

// --- What is typed into a form that carries data-backup is kept in this tab until the studio has taken it: a session
// that ended, an old token or a broken connection doesn't lose it. Only the person who typed it sees it again.

const NOT_KEPT = new Set(["csrfmiddlewaretoken", "typed_by"]);
const person = document.body.dataset.person || "";
const SENT = `sent:${person}`;
const keyOf = (form) => `typed:${person}:${new URL(form.action, location.href).pathname}`;

if (document.querySelector("[data-accepted]")) sessionStorage.removeItem(sessionStorage.getItem(SENT));

function restore(form) {
  const typed = JSON.parse(sessionStorage.getItem(keyOf(form)) || "[]");
  let isBack = false;
  for (const [name, value] of typed) {
    const field = form.elements[name];
    if (!field || field.value) continue; // what the server gave back is newer
    field.value = value;
    isBack = true;
  }
  form.querySelector("[data-backup-back]").hidden = !isBack;
}

for (const form of document.querySelectorAll("form[data-backup]")) {
  const save = () => {
    const isText = ([name, value]) => !NOT_KEPT.has(name) && value && !(value instanceof File);
    const typed = [...new FormData(form)].filter(isText);
    sessionStorage.setItem(keyOf(form), JSON.stringify(typed));
  };
  restore(form);
  form.addEventListener("input", save);
  form.addEventListener("submit", () => {
    save();
    sessionStorage.setItem(SENT, keyOf(form));
  });
}
