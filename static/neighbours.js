// Links with a data-key are followed by that key, and `?` lists them.

import { addShortcut } from "studio/shortcuts";

for (const link of document.querySelectorAll("a[data-key]")) {
  link.setAttribute("aria-keyshortcuts", link.dataset.key);
  addShortcut(link.dataset.key, link.dataset.words, () => link.click());
}
