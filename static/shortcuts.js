// Keyboard shortcuts: a page adds its own with `addShortcut("j", "Next video", run)`; `?` lists those that it has.
// Several keys may be one shortcut: `addShortcut(["ArrowLeft", "ArrowRight"], …)`.

const dialog = document.getElementById("shortcuts");
const list = dialog.querySelector("dl");
const known = new Map();
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
  for (const key of shortcut.keys) known.set(key, shortcut);
}

const isTyping = (element) => element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if (isTyping(event.target) && event.target.type !== "checkbox") return;
  if (document.querySelector("dialog[open]")) return;
  const found = known.get(event.key);
  if (found && found.run(event) !== false) event.preventDefault();
});

function cap(key) {
  const made = document.createElement("kbd");
  made.textContent = CAPS[key] || key;
  return made;
}

function show() {
  list.replaceChildren(
    ...[...new Set(known.values())].flatMap(({ keys, words }) => {
      const term = document.createElement("dt");
      const meaning = document.createElement("dd");
      meaning.textContent = words;
      term.append(...keys.map(cap));
      return [term, meaning];
    }),
  );
  dialog.showModal();
}

const { help, gallery, new: fresh, galleryUrl, newUrl } = list.dataset;
addShortcut("?", help, show);
addShortcut("g", gallery, () => location.assign(galleryUrl));
addShortcut("n", fresh, () => location.assign(newUrl));
