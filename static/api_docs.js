// The page on which the API is tried: Swagger UI, light or dark as the system is.

const place = document.getElementById("swagger-ui");
const isDark = matchMedia("(prefers-color-scheme: dark)");

function follow() {
  document.documentElement.classList.toggle("dark-mode", isDark.matches);
}

follow();
isDark.addEventListener("change", follow);
globalThis.SwaggerUIBundle({
  url: place.dataset.document,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
});
