//! The first program: open a store, write, query, update, look at the history.
//!
//! `cargo run -p argon --example quick_start`

use argon::prelude::*;

#[derive(Debug, Serialize, Deserialize)]
struct User {
    _id: i32,
    name: String,
    age: i32,
}

impl User {
    fn new(id: i32, name: &str, age: i32) -> Self {
        Self { _id: id, name: name.to_owned(), age }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let url = format!("sled:{}", directory.path().join(".argon").display());

    // One line opens a store. A program of yours would name a directory that stays.
    let store = argon::open(url).or_create().actor("ada").await?;
    let main = store.project_or_create("shop").await?.branch("main").await?;
    let users = main.collection_of::<User>("users")?;

    // Each call that writes is one durable commit.
    let three = [User::new(1, "Grace", 45), User::new(2, "Ada", 36), User::new(3, "Tim", 9)];
    let (ids, receipt) = users.insert_many(three).await?;
    println!("inserted {} users in commit {}", ids.len(), receipt.lsn);

    let mut adults = users.find(doc! { "age": { "$gte": 18 } }).sort(doc! { "name": 1 }).await?;
    while let Some(user) = adults.try_next().await? {
        println!("  {} is {}", user.name, user.age);
    }

    let tim = users.update(3, |user| user.age += 1).await?;
    println!("{} is {} now", tim.name, tim.age);

    let older =
        users.update_many(doc! { "age": { "$gt": 40 } }, doc! { "$set": { "senior": true } });
    println!("marked {} of {} users", older.await?.modified, users.count_matching(doc! {}).await?);

    println!("the log of {}:", main.name());
    let mut commits = argon::log::headers(&main.head().await?);
    while let Some(commit) = commits.try_next().await? {
        println!(
            "  {} by {}: {} changed",
            commit.meta.lsn,
            commit.meta.actor,
            commit.changes.len()
        );
    }
    Ok(())
}
