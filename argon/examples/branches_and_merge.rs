//! Two branches change one document; a merge puts both changes together, field by field.
//!
//! `cargo run -p argon --example branches_and_merge`

use argon::model::Message;
use argon::plan::{Plan, Rules};
use argon::prelude::*;

#[derive(Debug, Serialize, Deserialize)]
struct Article {
    _id: String,
    title: String,
    price: i64,
    tags: Vec<String>,
}

#[tokio::main]
async fn main() -> argon::Result<()> {
    let store = argon::open("memory:").actor("ada").await?;
    let main = store.project_or_create("shop").await?.branch("main").await?;
    let articles = main.collection_of::<Article>("articles")?;
    let lamp = Article { _id: "lamp".into(), title: "Lmap".into(), price: 40, tags: vec![] };
    articles.insert(lamp).await?;

    // A branch is one small write, whatever the size of the data.
    let sale = main.fork("sale").await?;
    let on_sale = sale.collection_of::<Article>("articles")?;
    on_sale.update("lamp", |lamp| lamp.price = 30).await?;
    on_sale.update("lamp", |lamp| lamp.tags.push("sale".into())).await?;
    articles.update("lamp", |lamp| lamp.title = "Lamp".into()).await?;
    show("on main before", &articles).await?;
    show("on the branch", &on_sale).await?;

    // A plan is computed, looked at, and committed once.
    let plan = Plan::merge(&main, "sale", &sale.head().await?, Rules::default()).await?;
    let result = plan.compute().await?;
    println!("conflicts: {}", result.conflicts.len());
    let receipt = plan.commit(&result, None, &Message::new("the sale begins")?).await?;
    println!("merged in commit {}", receipt.lsn);
    show("on main after", &articles).await?;

    // Both change the same field: a conflict, which the result names.
    on_sale.update("lamp", |lamp| lamp.price = 20).await?;
    articles.update("lamp", |lamp| lamp.price = 35).await?;
    let plan = Plan::merge(&main, "sale", &sale.head().await?, Rules::default()).await?;
    for conflict in plan.compute().await?.conflicts {
        let paths: Vec<_> = conflict.conflicts.iter().map(|found| found.path.to_string()).collect();
        let id = conflict.key.map(|key| key.to_string()).unwrap_or_default();
        println!("conflict in {} {id}: {}", conflict.collection, paths.join(", "));
    }
    Ok(())
}

async fn show(place: &str, articles: &Collection<Article>) -> argon::Result<()> {
    if let Some(Article { title, price, tags, .. }) = articles.get("lamp").await? {
        println!("{place}: {title} for {price} {tags:?}");
    }
    Ok(())
}
