// Who uses the page. The server keeps the login in a cookie that scripts can't read.

import { get, onLogin, post, remove } from "./api.js";
import { Button, Field } from "./ui/controls.js";
import { html, useEffect, useState } from "./ui/html.js";
import { ProblemNotice } from "./ui/notice.js";

/** @type {(() => void)[]} */
let waiting = [];
let show = () => {};

onLogin(
  () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      show();
    }),
);

/** The user, and whether there are users at all. @param {AbortSignal} signal @returns {Promise<{ user: string | null, auth: boolean }>} */
export const session = (signal) => get("/v1/session", { signal });

/** Ends the login, and asks for another one. */
export async function logOut() {
  await remove("/v1/session");
  location.reload();
}

/** Shows the login in place of the page when the server asks for one; requests that wait go on afterwards. */
export function LoginGate(/** @type {{ children?: unknown }} */ { children }) {
  const [isAsked, setAsked] = useState(waiting.length > 0);
  useEffect(() => {
    show = () => setAsked(true);
    if (waiting.length > 0) show();
  }, []);
  const enter = () => {
    const resolves = waiting;
    waiting = [];
    setAsked(false);
    for (const resolve of resolves) resolve();
    dispatchEvent(new Event("login"));
  };
  // What waits stays on the page, unseen.
  return html`<div class="frame-place" hidden=${isAsked} inert=${isAsked}>${children}</div>
    ${isAsked && html`<${Login} onEnter=${enter} />`}`;
}

/** @param {{ onEnter: () => void }} props */
function Login({ onEnter }) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    setProblem(null);
    try {
      await post("/v1/session", { user, password });
      onEnter();
    } catch (error) {
      setProblem(error);
      setPassword("");
    }
  };
  return html`<main class="login">
    <form onSubmit=${submit}>
      <img src="/console/assets/icon.svg" alt="" />
      <h1>Log in to Argon</h1>
      <${Field} label="User">
        ${(/** @type {object} */ attributes) =>
          html`<input ...${attributes} autocomplete="username" autofocus required value=${user}
            onInput=${(/** @type {any} */ event) => setUser(event.target.value)} />`}
      </${Field}>
      <${Field} label="Password">
        ${(/** @type {object} */ attributes) =>
          html`<input ...${attributes} type="password" autocomplete="current-password" required value=${password}
            onInput=${(/** @type {any} */ event) => setPassword(event.target.value)} />`}
      </${Field}>
      ${problem && html`<${ProblemNotice} problem=${problem} />`}
      <${Button} type="submit" kind="primary">Log in</${Button}>
    </form>
  </main>`;
}
