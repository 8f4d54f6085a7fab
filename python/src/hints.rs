//! Advice in Python's words: the calls of the package that do what a hint says.

use argon_core::Hint;

/// A hint as a sentence without a full stop; `None` for one that the package has no call for.
pub(crate) fn words(hint: &Hint) -> Option<String> {
    of_store(hint).or_else(|| of_branch(hint)).or_else(|| of_plan(hint))
}

fn of_store(hint: &Hint) -> Option<String> {
    let text = match hint {
        Hint::CheckStore => "check the whole store with `argon fsck`, and write nothing before",
        Hint::CheckLog => {
            "branch.log() shows whether the write happened; look before you try again"
        }
        Hint::CreateStore { .. } | Hint::ChooseStore => "argondb.open(url, create=True) creates it",
        Hint::WaitForStore => {
            "close it there, or wait longer by argondb.open(url, lock_timeout=SECONDS)"
        }
        Hint::FreeSpace => "the disk is full: make room, then try again",
        Hint::ReportDefect => "this is a defect in Argon; please report it",
        Hint::SplitCommit => "write the rest by another call",
        Hint::TrustClock => "set the clock of this machine",
        _ => return None,
    };
    Some(text.to_owned())
}

fn of_branch(hint: &Hint) -> Option<String> {
    Some(match hint {
        Hint::CreateProject { project } => {
            format!("store.project({project:?}, create=True) creates it")
        }
        Hint::ChooseProject { known } => format!("store.project(name) opens one of {known:?}"),
        Hint::UseProject { project } => format!("store.project({project:?}) opens it"),
        Hint::CreateBranch { branch } => {
            format!("project.branch(\"main\").create({branch:?}) creates it")
        }
        Hint::SwitchBranch { branch } => format!("project.branch({branch:?}) opens it"),
        Hint::ListBranches => "project.branches() lists the branches".to_owned(),
        Hint::SandboxEnded { .. } => {
            "its time may be over; project.branches() lists the branches".to_owned()
        }
        Hint::UsePin { pin } => format!("branch.at({pin:?}) reads it"),
        Hint::AllowWrites { branch } => {
            format!("project.branch({branch:?}).create(name) makes a branch that takes commits")
        }
        Hint::ListRetainedStates => "branch.log() lists the states that are kept".to_owned(),
        Hint::ListCommits { .. } => "branch.log() lists the commits".to_owned(),
        Hint::NameTwoStates { .. } | Hint::ParentGone { .. } => {
            "name the other state: branch.diff(other)".to_owned()
        }
        Hint::ChooseCollection { known } => format!("the state has the collections {known:?}"),
        Hint::LeaveBranch => "the first branch of a project stays".to_owned(),
        _ => return None,
    })
}

fn of_plan(hint: &Hint) -> Option<String> {
    Some(match hint {
        Hint::NothingApplied | Hint::RepairDocuments => "nothing was applied".to_owned(),
        Hint::TryAgain | Hint::BranchMoved => "nothing was applied; try again".to_owned(),
        Hint::RebasePlan => {
            "plan.apply(rebase=True) rebases the plan on the present head".to_owned()
        }
        Hint::AllowUnchecked => "nothing was applied; strict=False applies it".to_owned(),
        Hint::AllowHooks => "plan.apply(run_hooks=True) runs them and applies the plan".to_owned(),
        Hint::ApplyPlan { .. } => "no conflict is left; plan.apply() applies the plan".to_owned(),
        Hint::ConflictsIn { places, more } => {
            let more = if *more { " and others" } else { "" };
            format!("conflicts are left in {}{more}", places.join("; "))
        }
        Hint::PlanChanged { .. } => {
            "somebody else decided at the same time; open the plan again".to_owned()
        }
        Hint::ListPlans => "project.plans() lists the plans".to_owned(),
        _ => return None,
    })
}
