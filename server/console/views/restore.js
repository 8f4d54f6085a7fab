// Bringing a past state back: a part of it by a new commit, or the whole branch by a reset.

import { chooseState } from "../picker.js";
import { setQuery } from "../router.js";
import { Switch } from "../ui/controls.js";
import { html } from "../ui/html.js";
import { Icon } from "../ui/icons.js";
import { Empty } from "../ui/notice.js";
import { PartForm, PartPreview } from "./restore/part.js";
import { Reflog } from "./restore/reflog.js";
import { ResetPreview } from "./restore/reset.js";

/** @param {{ state: import("../types.js").State, route: import("../router.js").Route }} props */
export default function Restore({ state, route }) {
  const { query } = route;
  const revision = query.get("revision");
  const collection = query.get("collection");
  const branch = state.branch?.branch ?? state.revision;
  const isReset = query.get("what") === "branch";
  const ids = (query.get("id") ?? "").split("\n").filter(Boolean);
  const pick = async () => {
    const chosen = await chooseState(state, `The state to bring back, such as ${branch}@yesterday or ${branch}~3`);
    if (chosen) setQuery({ revision: chosen });
  };
  return html`<div class="view">
    <header>
      <h1>Restore</h1>
      <${Switch}
        label="What is restored"
        value=${isReset ? "branch" : "part"}
        options=${[
          { value: "part", label: "A collection or documents" },
          { value: "branch", label: "The whole branch" },
        ]}
        onChange=${(/** @type {string} */ value) => setQuery({ what: value === "branch" ? "branch" : null })}
      />
    </header>
    <section class="card" aria-label="What to restore">
      <header>
        <h2>${branch} from</h2>
        <button type="button" class="picker" onClick=${pick} aria-label=${`From: ${revision ?? "Choose a state"}`}>
          <${Icon} name="clock" /><span class="cut">${revision ?? "Choose a state"}</span><${Icon} name="down" />
        </button>
      </header>
      ${
        !revision
          ? html`<${Empty}
            icon="history"
            title="Choose the state to bring back"
          >A branch, a pin, ${branch}~3, ${branch}@12 or ${branch}@yesterday.</${Empty}>`
          : !isReset
            ? html`<${PartForm}
              key=${revision}
              state=${state}
              revision=${revision}
              collection=${collection}
              ids=${ids}
            />`
            : html`<p class="inside soft">
                The reset moves the head of ${branch} to that state. A backup keeps the commits that leave the branch.
              </p>`
      }
    </section>
    ${revision && isReset && html`<${ResetPreview} key=${revision} state=${state} revision=${revision} />`}
    ${
      revision &&
      !isReset &&
      collection &&
      html`<${PartPreview}
        key=${`${revision} ${collection} ${ids}`}
        state=${state}
        revision=${revision}
        collection=${collection}
        ids=${ids}
      />`
    }
    ${isReset && html`<${Reflog} state=${state} />`}
  </div>`;
}
