// Links with a data-key are followed by that key, and `?` lists them.
(() => {
  "use strict";

  for (const link of document.querySelectorAll("a[data-key]")) {
    link.setAttribute("aria-keyshortcuts", link.dataset.key);
    window.studio.keys.add(link.dataset.key, link.dataset.words, () => link.click());
  }
})();
