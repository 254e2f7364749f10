// What is typed into a form that carries data-backup is kept in this tab until the studio has taken it: a session that
// ended, an old token or a broken connection doesn't lose it. Only the person who typed it sees it again.

const IGNORED = new Set(["csrfmiddlewaretoken", "typed_by"]);
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
    const typed = [...new FormData(form)].filter(([name, value]) => !IGNORED.has(name) && value);
    sessionStorage.setItem(keyOf(form), JSON.stringify(typed));
  };
  restore(form);
  form.addEventListener("input", save);
  form.addEventListener("submit", () => {
    save();
    sessionStorage.setItem(SENT, keyOf(form));
  });
}
