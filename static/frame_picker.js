// "Start with this frame": the moment is the player's, so nobody has to type it.
(() => {
  "use strict";

  const hide = () => document.querySelectorAll("[data-still-at]").forEach((field) => (field.hidden = true));

  document.addEventListener("submit", ({ target }) => {
    if (target.matches("[data-still]")) target.elements.at.value = document.querySelector("[data-player] video").currentTime;
  });
  document.addEventListener("htmx:load", hide);
  hide();
})();
