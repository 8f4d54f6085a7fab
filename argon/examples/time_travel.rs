//! Every past state stays readable, a commit can be undone, and a branch can be reset.
//!
//! `cargo run -p argon --example time_travel`

use argon::model::Message;
use argon::plan::{Plan, Rules, Selection};
use argon::prelude::*;

#[derive(Debug, Serialize, Deserialize)]
struct Account {
    #[serde(rename = "_id")]
    id: String,
    balance: i64,
}

#[tokio::main]
async fn main() -> argon::Result<()> {
    let store = argon::open("memory:").actor("ada").await?;
    let main = store.project_or_create("bank").await?.branch("main").await?;
    let accounts = main.collection_of::<Account>("accounts")?;
    let new = ["ada", "grace"].map(|id| Account { id: id.into(), balance: 100 });
    accounts.insert_many(new).await?;
    accounts.update("ada", |account| account.balance = 250).await?;
    let mistake = accounts.update_many(doc! {}, doc! { "$set": { "balance": 0 } }).await?;
    accounts.update("grace", |account| account.balance += 7).await?;

    // Any state, by its LSN.
    for lsn in 1..=main.head().await?.lsn().get() {
        let state = main.at(lsn).await?.collection_of::<Account>("accounts")?;
        let all: Vec<Account> = state.scan().try_collect().await?;
        let shown: Vec<_> = all.iter().map(|one| format!("{} {}", one.id, one.balance)).collect();
        println!("LSN {lsn}: {}", shown.join(", "));
    }

    // Undo one commit in the middle: what came after it stays, or is a conflict.
    let Some(mistake) = mistake.receipt else { return Ok(()) };
    let lsn = mistake.lsn;
    let before = Lsn::new(lsn.get() - 1);
    let plan = Plan::undo(&main, before, lsn, Selection::default(), Rules::default()).await?;
    let result = plan.compute().await?;
    for conflict in &result.conflicts {
        let id = conflict.key.as_ref().map(ToString::to_string).unwrap_or_default();
        println!("the undo of LSN {lsn} conflicts in {id}, which was changed since");
    }

    // Take the mistake back for Ada alone.
    let was = main.at(before).await?.collection_of::<Account>("accounts")?;
    if let Some(ada) = was.get("ada").await? {
        accounts.put(ada).await?;
    }

    // Or reset the branch: the history that it leaves behind is kept as another branch.
    let reset = argon::restore::reset(&main, &main.at(before).await?).await?;
    println!("reset from LSN {} to {}", reset.from, reset.to);
    println!("{:?}", accounts.get("grace").await?);
    let kept = main.project().branch(&reset.backup).await?;
    println!("the backup is at LSN {}", kept.head().await?.lsn());

    // The same undo without a later change has no conflict.
    accounts.update("ada", |account| account.balance = 1).await?;
    let head = main.head().await?.lsn();
    let plan = Plan::undo(&main, reset.to, head, Selection::default(), Rules::default()).await?;
    plan.commit(&plan.compute().await?, None, &Message::default()).await?;
    println!("{:?}", accounts.get("ada").await?);
    Ok(())
}
