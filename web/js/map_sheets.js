// Style sheets of the map, added by the modules that need them: the page need not know them.

/** Add sheets to the document, each once; names are relative to this module. */
export function loadSheets(names) {
  for (const name of names) {
    const href = new URL(name, import.meta.url).href;
    if ([...document.styleSheets].some((sheet) => sheet.href === href)) continue;
    if (document.head.querySelector(`link[href="${CSS.escape(href)}"]`)) continue;
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  }
}
