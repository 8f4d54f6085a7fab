// The start of the console.

import { LoginGate } from "./session.js";
import { Shell } from "./shell.js";
import { applyTheme } from "./theme.js";
import { Dialogs } from "./ui/dialog.js";
import { html, render } from "./ui/html.js";
import { Toasts } from "./ui/toast.js";

applyTheme();
render(
  html`<${LoginGate}><${Shell} /></${LoginGate}><${Dialogs} /><${Toasts} />`,
  /** @type {HTMLElement} */ (document.getElementById("console")),
);
