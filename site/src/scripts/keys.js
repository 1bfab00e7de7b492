// `/` leads to the search, wherever one is; Escape closes the list of pages on a phone.
export function startKeys() {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && location.hash === "#nav-more") location.hash = "#main";
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || typing) return;
    event.preventDefault();
    const field = document.querySelector("input[type=search]");
    if (field) field.focus();
    else location.href = `${document.body.dataset.root}reflections/#search`;
  });
}
