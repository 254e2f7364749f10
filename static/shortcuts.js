// Keyboard shortcuts: a page adds its own with `addShortcut("j", "Next video", run)`; `?` lists those that it has.

const dialog = document.getElementById("shortcuts");
const list = dialog.querySelector("dl");
const known = new Map();

export function addShortcut(key, words, run) {
  known.set(key, { words, run });
}

const isTyping = (element) => element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if (isTyping(event.target) && event.target.type !== "checkbox") return;
  if (document.querySelector("dialog[open]")) return;
  const found = known.get(event.key);
  if (found && found.run(event) !== false) event.preventDefault();
});

function show() {
  list.replaceChildren(
    ...[...known].flatMap(([key, { words }]) => {
      const term = document.createElement("dt");
      const cap = document.createElement("kbd");
      const meaning = document.createElement("dd");
      cap.textContent = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", Escape: "Esc" }[key] || key;
      meaning.textContent = words;
      term.append(cap);
      return [term, meaning];
    }),
  );
  dialog.showModal();
}

const { help, gallery, new: fresh, galleryUrl, newUrl } = list.dataset;
addShortcut("?", help, show);
addShortcut("g", gallery, () => location.assign(galleryUrl));
addShortcut("n", fresh, () => location.assign(newUrl));
