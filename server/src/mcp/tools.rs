//! The table of tools.

/// A tool, and the operation of the service that it runs.
///
/// Its arguments are the fields of the request. Besides, `project` says what the operation works on.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) operation: &'static str,
    /// What it does, where the documentation of the request does not say it to an agent.
    pub(super) about: Option<&'static str>,
    /// The argument with the branch that it works on.
    pub(super) branch: Option<&'static str>,
    /// Fields of the request that agents do not give.
    pub(super) hidden: &'static [&'static str],
    /// Fields of the request that are so unless an agent says otherwise, as JSON.
    pub(super) by_default: &'static [(&'static str, &'static str)],
    /// Fields of the request that are always the same, as JSON.
    pub(super) fixed: &'static [(&'static str, &'static str)],
    /// Whether it takes back only what the agent itself has changed.
    pub(super) of_self: bool,
    /// Whether people want to confirm it: it moves a branch that others share, or what it removes is gone.
    pub(super) asks: bool,
}

impl Tool {
    const fn new(name: &'static str, operation: &'static str) -> Self {
        Self {
            name,
            operation,
            about: None,
            branch: None,
            hidden: &[],
            by_default: &[],
            fixed: &[],
            of_self: false,
            asks: false,
        }
    }

    /// It works on the branch of the argument `branch`.
    const fn on_branch(self) -> Self {
        self.on("branch")
    }

    const fn on(mut self, argument: &'static str) -> Self {
        self.branch = Some(argument);
        self
    }

    const fn about(mut self, about: &'static str) -> Self {
        self.about = Some(about);
        self
    }

    const fn hides(mut self, hidden: &'static [&'static str]) -> Self {
        self.hidden = hidden;
        self
    }

    /// Changes are counted and not listed, unless an agent wants them.
    const fn in_short(mut self) -> Self {
        self.by_default = &[("detail", "\"stat\"")];
        self
    }

    const fn fixes(mut self, fixed: &'static [(&'static str, &'static str)]) -> Self {
        self.fixed = fixed;
        self
    }

    const fn of_self(mut self) -> Self {
        self.of_self = true;
        self
    }

    const fn asks(mut self) -> Self {
        self.asks = true;
        self
    }
}

pub(super) static TOOLS: &[Tool] = &[
    Tool::new("list_projects", "project.list"),
    Tool::new("list_branches", "branch.list"),
    Tool::new("list_collections", "collection.list"),
    Tool::new("list_indexes", "index.list"),
    Tool::new("list_pins", "pin.list"),
    Tool::new("list_sandboxes", "sandbox.list"),
    Tool::new("find_documents", "document.find"),
    Tool::new("get_document", "document.get"),
    Tool::new("count_documents", "document.count"),
    Tool::new("distinct_values", "document.distinct"),
    Tool::new("aggregate", "document.aggregate"),
    Tool::new("explain", "document.explain"),
    Tool::new("log", "log"),
    Tool::new("show_commit", "show"),
    Tool::new("diff", "diff"),
    Tool::new("history", "history"),
    Tool::new("blame", "blame"),
    Tool::new("create_sandbox", "sandbox.create"),
    Tool::new("extend_sandbox", "sandbox.extend").on_branch(),
    Tool::new("discard_sandbox", "sandbox.discard").on_branch().asks(),
    Tool::new("create_branch", "branch.create"),
    Tool::new("create_pin", "pin.create").hides(&["key"]),
    Tool::new("put_documents", "document.put").on_branch(),
    Tool::new("update_documents", "document.update").on_branch(),
    Tool::new("delete_documents", "document.delete_matching").on_branch().asks(),
    Tool::new("create_index", "index.create").on_branch(),
    Tool::new("merge_preview", "merge")
        .about(
            "Merge a branch or another state into a branch, as a plan: nothing is changed. The plan says what would \
             change and what conflicts, in short, or with all of them with detail: changes; merge_resolve settles conflicts, merge_apply commits \
             it. Long lists are cut.",
        )
        .on("into")
        .in_short()
        .hides(&["policy"])
        .fixes(&[("action", "\"save\"")]),
    Tool::new("merge_list", "plan.list"),
    Tool::new("merge_show", "plan.show").in_short(),
    Tool::new("merge_resolve", "plan.resolve"),
    Tool::new("merge_apply", "plan.apply").hides(&["run_hooks"]).asks(),
    Tool::new("merge_abort", "plan.abort").asks(),
    Tool::new("undo", "undo")
        .about(
            "Take back what you have changed by commits of a branch, with a new commit; changes of others stay. A \
             change of the same field since is a conflict.",
        )
        .on_branch()
        .hides(&["policy", "by_actor"])
        .of_self()
        .in_short()
        .asks(),
];
