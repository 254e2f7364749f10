// Keys on a case: a approve, r reject, t take down, b bring back, n next; not while something is typed.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const verb = document.querySelector(`.case [data-key="${CSS.escape(event.key)}"]`);
  if (!verb) return;
  event.preventDefault();
  const why = document.getElementById("why");
  if (verb.name === "verb" && verb.value !== "approve" && why && !why.value.trim()) why.focus(); // a reason first
  else verb.click();
});
