// A notice when a video of this person is ready, or could not be made, while nobody looks at the tab.
(() => {
  "use strict";

  const words = document.getElementById("notices").dataset;

  document.addEventListener("studio:ended", ({ detail: { id, status, prompt, address } }) => {
    if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
    try {
      // the tag makes one notice of what several tabs have heard
      const notice = new Notification(status === "done" ? words.ready : words.failed, { body: prompt, tag: id });
      notice.addEventListener("click", () => {
        window.focus();
        notice.close();
        location.assign(address);
      });
    } catch {
      // phones allow notices to service workers alone
    }
  });
})();
