(function () {
  var stored = null;
  try { stored = localStorage.getItem("ensembler-theme"); } catch (error) { stored = null; }
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
})();
