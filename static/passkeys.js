// Says it where a browser has no passkeys, and when one was not used. The rest is allauth's.

if (!globalThis.PublicKeyCredential) {
  document.querySelectorAll("[data-passkey]").forEach((button) => (button.hidden = true));
  document.querySelectorAll("[data-passkey-missing]").forEach((notice) => (notice.hidden = false));
}

document.addEventListener("allauth.error", (event) => {
  const notice = document.querySelector("[data-passkey-failed]");
  if (!notice) return;
  event.preventDefault(); // or it is written to the console alone
  const { name } = event.detail.exception; // such as NotAllowedError
  const known = name.charAt(0).toLowerCase() + name.slice(1);
  notice.querySelector("span").textContent = notice.dataset[known] || notice.dataset.other;
  notice.hidden = false;
});
