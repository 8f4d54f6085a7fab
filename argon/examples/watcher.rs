//! A watcher keeps a total up to date, stops, and continues where it was.
//!
//! `cargo run -p argon --example watcher`

use std::collections::BTreeMap;

use argon::prelude::*;
use argon::watch::WatchFrom;

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    _id: i32,
    total: i64,
}

/// What a consumer would keep on its own disk: what it computed, and up to which commit.
#[derive(Default)]
struct Totals {
    orders: BTreeMap<String, i64>,
    token: Option<String>,
}

impl Totals {
    /// Takes changes until `count` were seen.
    async fn follow(&mut self, orders: &Collection<Order>, count: usize) -> argon::Result<()> {
        let from = match &self.token {
            Some(token) => WatchFrom::Point(token.parse()?),
            None => WatchFrom::Lsn(Lsn::ZERO),
        };
        let mut changes = orders.watch(from).await?.take(count);
        while let Some(change) = changes.try_next().await? {
            match change.value {
                Some(order) => self.orders.insert(change.id.to_string(), order.total),
                None => self.orders.remove(&change.id.to_string()),
            };
            println!(
                "LSN {}: the total is {}",
                change.point.lsn,
                self.orders.values().sum::<i64>()
            );
            self.token = Some(change.point.to_string());
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> argon::Result<()> {
    let store = argon::open("memory:").await?;
    let main = store.project_or_create("shop").await?.branch("main").await?;
    let orders = main.collection_of::<Order>("orders")?;

    // A writer and a watcher at the same time.
    let writer = async {
        for (id, total) in [(1, 20), (2, 5)] {
            orders.insert(Order { _id: id, total }).await?;
        }
        orders.update(1, |order| order.total = 30).await?;
        argon::Result::Ok(())
    };
    let mut totals = Totals::default();
    let (written, followed) = tokio::join!(writer, totals.follow(&orders, 3));
    written.and(followed)?;

    // The watcher was away; nothing is lost.
    orders.delete(2).await?;
    orders.insert(Order { _id: 3, total: 1 }).await?;
    println!("again from the token");
    totals.follow(&orders, 2).await?;

    // A reset of the branch ends a watch with an error that says so.
    let mut commits = main.watch(WatchFrom::Head).await?;
    argon::restore::reset(&main, &main.at(1).await?).await?;
    if let Err(error) = commits.try_next().await {
        println!("{}: {error}", error.kind().as_str());
    }
    Ok(())
}
