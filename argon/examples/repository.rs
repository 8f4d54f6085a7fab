//! A typed repository: rules of the domain, and optimistic updates by many writers.
//!
//! `cargo run -p argon --example repository`

use argon::prelude::*;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Seat {
    _id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken_by: Option<String>,
}

enum BookingError {
    Taken,
    Store(argon::Error),
}

impl From<argon::Error> for BookingError {
    fn from(error: argon::Error) -> Self {
        Self::Store(error)
    }
}

#[derive(Clone)]
struct Seats(Collection<Seat>);

impl Seats {
    /// Books a seat. Of many who try at the same time, exactly one succeeds: the others read the seat
    /// again after the lost race, and the rule refuses them.
    async fn book(&self, seat: &str, name: &str) -> Result<Seat, BookingError> {
        let book = |seat: &mut Seat| match &seat.taken_by {
            Some(_) => Err(BookingError::Taken),
            None => {
                seat.taken_by = Some(name.to_owned());
                Ok(())
            }
        };
        self.0.try_update(seat, book).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = argon::open("memory:").await?;
    let main = store.project_or_create("theatre").await?.branch("main").await?;
    let seats = Seats(main.collection_of("seats")?);
    // The document has a field that the type does not know; updates keep it.
    seats.0.raw().insert(rawdoc! { "_id": "A1", "row": "front" }).await?;

    let guests = ["Ada", "Grace", "Joan"];
    let bookings = guests.map(|guest| {
        let seats = seats.clone();
        tokio::spawn(async move { seats.book("A1", guest).await })
    });
    let (mut booked, mut refused) = (0, 0);
    for booking in bookings {
        match booking.await? {
            Ok(_) => booked += 1,
            Err(BookingError::Taken) => refused += 1,
            Err(BookingError::Store(error)) => return Err(error.into()),
        }
    }
    println!("{booked} booked, {refused} refused");

    let seat = seats.0.typed::<bson::Document>().get("A1").await?.ok_or("it was deleted")?;
    println!("row: {}", seat.get_str("row").unwrap_or("lost"));

    // Without a retry: a change that depends on what somebody saw is refused after others changed it.
    let seen = seats.0.version("A1").await?.ok_or("it was deleted")?;
    seats.0.update("A1", |seat| seat.taken_by = None).await?;
    if let Err(error) = seats.0.replace_if(seen.value, seen.changed_by).await {
        println!("{}: {error}", error.kind().as_str());
    }
    Ok(())
}
