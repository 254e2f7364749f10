// A notice when a video of this person is ready, or could not be made, while nobody looks at the tab.

const page = document.getElementById("notices").dataset;
const told = new Set();
const may = () => document.hidden && "Notification" in window && Notification.permission === "granted";

function tell({ id, status, prompt, address }) {
  if (told.has(id)) return;
  told.add(id);
  try {
    // the tag makes one notice of what several tabs have heard
    const notice = new Notification(status === "done" ? page.ready : page.failed, { body: prompt, tag: id });
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
      location.assign(address);
    });
  } catch {
    // phones allow notices to service workers alone
  }
}

// live.js has heard that something moved after `since`
document.addEventListener("studio:moved", async ({ detail: { since } }) => {
  if (!may()) return;
  try {
    const answer = await fetch(`${page.ended}?since=${since}`, { cache: "no-store", redirect: "error" });
    if (answer.ok) (await answer.json()).ended.forEach(tell);
  } catch {
    // the mail tells the same
  }
});
