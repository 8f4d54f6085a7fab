// What is around every view: the navigation, and the state that is shown.

import { get } from "./api.js";
import { useData } from "./data.js";
import { showKeys, useKeys } from "./keys.js";
import { choose, chooseState } from "./picker.js";
import { Link, navigate, path, useRoute, withQuery } from "./router.js";
import { logOut, session } from "./session.js";
import { TimeSlider } from "./slider.js";
import { revisionAt, useProjectState } from "./state.js";
import { nextTheme, theme } from "./theme.js";
import { Ago, Badge, Button } from "./ui/controls.js";
import { Fragment, html, useEffect, useRef, useState } from "./ui/html.js";
import { Icon } from "./ui/icons.js";
import { Empty, Loading, ProblemNotice } from "./ui/notice.js";
import { VIEWS, viewOf } from "./views.js";

/** The page. */
export function Shell() {
  const route = useRoute();
  const state = useProjectState(route.project, route.revision);
  const [isOpen, setOpen] = useState(false);
  const view = viewOf(route.view, route.project === null);
  useEffect(() => setOpen(false), [route]);
  useEffect(() => {
    const where = route.project ? `${route.project} ${route.revision ?? ""}` : "";
    document.title = [view?.title, where.trim(), "Argon"].filter(Boolean).join(" · ");
  }, [route]);
  // Without a revision in the URL, it is that of the branch that is shown.
  const revision = route.revision ?? state.data?.revision ?? null;
  useKeys(VIEWS.filter((one) => one.key && (route.project || one.group === "Store")).map((one) => ({
    keys: `g ${one.key}`,
    title: `Go to ${one.title}`,
    run: () => navigate(one.group === "Store" ? path(null, null, one.name) : path(route.project, revision, one.name)),
  })));
  return html`<div class="frame">
    <a class="skip" href="#view">Skip to the content</a>
    ${isOpen && html`<button type="button" class="scrim" aria-label="Close the navigation" onClick=${() => setOpen(false)}></button>`}
    <${Side} route=${route} revision=${revision} isOpen=${isOpen} />
    <div class="body-column">
      ${
        route.project === null
          ? html`<div class="state-bar only-narrow"><${Menu} onOpen=${() => setOpen(!isOpen)} isOpen=${isOpen} /></div>`
          : html`<${StateBar} state=${state.data} route=${route} onMenu=${() => setOpen(!isOpen)} isOpen=${isOpen} />`
      }
      <main id="view" tabindex="-1">
        ${
          state.problem
            ? html`<div class="view"><${ProblemNotice} problem=${state.problem} onRetry=${state.reload} /></div>`
            : html`<${Place} view=${view} route=${route} state=${state.data} />`
        }
      </main>
    </div>
  </div>`;
}

/** The view itself, whose file is read when it is first shown. @param {any} props */
function Place({ view, route, state }) {
  const loaded = useData(async () => (view ? { of: view, draw: (await view.load()).default } : null), [view]);
  if (!view) return html`<${Empty} icon="search" title="There is no such page">The address may be wrong.</${Empty}>`;
  if (loaded.problem) return html`<div class="view"><${ProblemNotice} problem=${loaded.problem} onRetry=${loaded.reload} /></div>`;
  const isReady = loaded.data?.of === view && (route.project === null || state);
  if (!isReady) return html`<${Loading} />`;
  const key = state ? `${state.project} ${view.name}` : view.name;
  return html`<${loaded.data?.draw} key=${key} state=${state} route=${route} />`;
}

/** @param {{ onOpen: () => void, isOpen: boolean }} props */
function Menu({ onOpen, isOpen }) {
  return html`<span class="only-narrow">
    <${Button} kind="quiet" icon="menu" label="Navigation" aria-expanded=${isOpen ? "true" : "false"} onClick=${onOpen} />
  </span>`;
}

/** @param {{ route: import("./router.js").Route, revision: string | null, isOpen: boolean }} props */
function Side({ route, revision, isOpen }) {
  const groups = [...new Set(VIEWS.map((view) => view.group))].filter((group) => route.project || group === "Store");
  const pickProject = async () => {
    const projects = await get("/v1/projects");
    const choices = projects.map((/** @type {{ project: string }} */ one) => ({ value: one.project, label: one.project, icon: "folder" }));
    const chosen = await choose({ title: "Project", choices });
    if (chosen) navigate(`/console/${encodeURIComponent(chosen)}`);
  };
  return html`<div class=${`side ${isOpen ? "open" : ""}`}>
    <div class="brand">
      <${Link} to="/console/"><img src="/console/assets/icon.svg" alt="" />Argon</${Link}>
    </div>
    <button type="button" class="picker" onClick=${pickProject}>
      <${Icon} name="folder" />${route.project && html`<span class="unseen">Project:</span>`}<span class="cut">${route.project ?? "Choose a project"}</span><${Icon} name="down" />
    </button>
    <nav aria-label="Views">
      ${groups.map(
        (group) => html`<${Fragment} key=${group}>
          <h2>${group}</h2>
          <ul>
            ${VIEWS.filter((view) => view.group === group).map(
              (view) => html`<li>
                <${Link}
                  to=${group === "Store" ? path(null, null, view.name) : path(route.project, revision, view.name)}
                  aria-current=${view.name === route.view && (group === "Store") === (route.project === null) ? "page" : undefined}
                >
                  <${Icon} name=${view.icon} />${view.title}
                </${Link}>
              </li>`,
            )}
          </ul>
        </${Fragment}>`,
      )}
    </nav>
    <${SideFoot} />
  </div>`;
}

function SideFoot() {
  const [chosen, setChosen] = useState(theme());
  const who = useData(session, []);
  useEffect(() => {
    addEventListener("login", who.reload);
    return () => removeEventListener("login", who.reload);
  }, []);
  const next = `Colours: ${chosen}`;
  return html`<footer>
    <${Button} kind="quiet" icon=${chosen === "dark" ? "moon" : "sun"} label=${next} onClick=${() => setChosen(nextTheme())} />
    <${Button} kind="quiet" label="Keyboard" onClick=${showKeys}><kbd>?</kbd></${Button}>
    <a class="button quiet" href="/" target="_blank" rel="noopener">API</a>
    ${who.data?.user && html`<${Button} kind="quiet" icon="user" onClick=${logOut} title=${`Log out ${who.data.user}`}>${who.data.user}</${Button}>`}
  </footer>`;
}

/** @param {{ state: import("./types.js").State | undefined, route: import("./router.js").Route, onMenu: () => void, isOpen: boolean }} props */
function StateBar({ state, route, onMenu, isOpen }) {
  const before = useRef(state);
  if (state) before.current = state;
  // The last state stays while the next one is read.
  const shown = state ?? (before.current?.project === route.project ? before.current : undefined);
  const menu = html`<${Menu} onOpen=${onMenu} isOpen=${isOpen} />`;
  if (!shown) return html`<div class="state-bar">${menu}</div>`;
  return html`<${ShownState} shown=${shown} route=${route} menu=${menu} />`;
}

/** @param {{ shown: import("./types.js").State, route: import("./router.js").Route, menu: unknown }} props */
function ShownState({ shown, route, menu }) {
  const { branch, pin, lsn } = shown;
  /** @param {string} revision */
  const go = (revision) =>
    navigate(withQuery(path(shown.project, revision, route.view, ...route.parts), Object.fromEntries(route.query)));
  const pick = async () => {
    const revision = await chooseState(shown);
    if (revision) go(revision);
  };
  const branchOff = async () => (await import("./views/graph/actions.js")).createBranch(shown);
  /** @param {number} by */
  const step = (by) => {
    if (branch && lsn + by >= 1 && lsn + by <= branch.lsn) go(revisionAt(branch, lsn + by));
  };
  useKeys([
    { keys: "b", title: "Choose a branch, a pin or another state", run: pick },
    { keys: "[", title: "One commit back", run: () => step(-1) },
    { keys: "]", title: "One commit forward", run: () => step(1) },
    { keys: "r", title: "Read everything again", run: shown.reload },
    { keys: "h", title: "To the head of the branch", run: () => branch && go(branch.branch) },
  ]);
  return html`<div class=${`state-bar ${shown.isHead ? "" : "past"}`} role="group" aria-label="State">
    ${menu}
    <div class="where">
      <button type="button" class="picker" onClick=${pick} title=${shown.revision}>
        <${Icon} name=${pin ? "pin" : "branch"} /><span class="unseen">State:</span><span class="cut">${pin?.pin ?? branch?.branch ?? shown.revision}</span><${Icon} name="down" />
      </button>
      <span class="mono soft" title=${shown.commit?.message}>@${lsn}</span>
      <span class="faint"><${Ago} time=${shown.commit?.time} /></span>
      <${StateBadges} state=${shown} />
    </div>
    <${TimeSlider} state=${shown} route=${route} />
    ${
      !shown.isHead &&
      html`<span class="bar">
        <${Button} icon="branch" onClick=${branchOff}>Branch from here</${Button}>
        ${branch && html`<${Button} icon="clock" onClick=${() => go(branch.branch)}>Back to head</${Button}>`}
      </span>`
    }
  </div>`;
}

/** @param {{ state: import("./types.js").State }} props */
function StateBadges({ state: { isHead, branch } }) {
  return html`${!isHead && html`<${Badge} kind="warn" title="A past state can't be changed"><${Icon} name="clock" />past, read-only</${Badge}>`}
  ${isHead && branch?.read_only && html`<${Badge} kind="warn" title="The branch takes no commits"><${Icon} name="lock" />read-only</${Badge}>`}
  ${branch?.protected && html`<${Badge} title="It can't be reset, renamed or deleted"><${Icon} name="lock" />protected</${Badge}>`}
  ${branch?.masked && html`<${Badge} kind="accent" title="Values are changed or left out on every read"><${Icon} name="mask" />masked</${Badge}>`}
  ${branch?.ends && html`<${Badge} title=${`It ends ${branch.ends}`}><${Icon} name="sandbox" />ends <${Ago} time=${branch.ends} /></${Badge}>`}`;
}
