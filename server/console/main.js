// The start of the console.

import { parse } from "./router.js";
import { LoginGate } from "./session.js";
import { Shell } from "./shell.js";
import { applyTheme } from "./theme.js";
import { Dialogs } from "./ui/dialog.js";
import { html, render } from "./ui/html.js";
import { Toasts } from "./ui/toast.js";
import { viewOf } from "./views.js";

applyTheme();
// The files of the first view come while the frame is drawn; the frame shows what goes wrong with them.
const { view, project } = parse(location);
viewOf(view, project === null)?.load().catch(() => {});
render(
  html`<${LoginGate}><${Shell} /></${LoginGate}><${Dialogs} /><${Toasts} />`,
  /** @type {HTMLElement} */ (document.getElementById("console")),
);
