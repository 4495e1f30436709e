// Before the first paint: the colours that were chosen last time (see src/app/theme.svelte.ts).
try {
  const theme = localStorage.getItem("learn-da.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // storage is blocked: the system's colours
}
