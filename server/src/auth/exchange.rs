//! The messages of SCRAM, as the server sees them (RFC 5802, section 7). There is no channel binding.

use argon_core::users::ScramKeys;
use argon_service::user::scram::Mechanism;
use data_encoding::BASE64;

/// The most bytes of a message of a client.
const MOST_BYTES: usize = 4096;

/// A message that is malformed, or that has another nonce, or a wrong proof. A client is not told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

/// The first message of a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientFirst {
    /// The user that it names.
    pub(crate) user: String,
    /// What precedes the bare message.
    header: String,
    bare: String,
    nonce: String,
}

/// An exchange after the first message of a client.
pub(crate) struct Exchange {
    mechanism: Mechanism,
    keys: ScramKeys,
    header: String,
    nonce: String,
    /// The first messages of both, which the proofs cover.
    messages: String,
    /// Whether the last message of the server ends the exchange: the client needs no empty one.
    pub(crate) skips_empty: bool,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// The proof of the client is awaited.
    Challenged,
    /// The proof was right; an empty message is awaited.
    Verified,
    /// It is over, one way or another.
    Ended,
}

/// What the server says next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) payload: Vec<u8>,
    pub(crate) done: bool,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("state", &self.state).finish_non_exhaustive()
    }
}

impl ClientFirst {
    /// Parses `n,,n=user,r=nonce`.
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, Refused> {
        let text = text(payload)?;
        // Neither channel binding, nor acting as someone else.
        let header = ["n,,", "y,,"].into_iter().find(|header| text.starts_with(header));
        let header = header.ok_or(Refused)?;
        let bare = &text[header.len()..];
        let mut fields = bare.split(',');
        let user = field(fields.next(), "n=")?;
        let nonce = field(fields.next(), "r=")?;
        // Further fields are extensions, which may be ignored; one that may not, `m=`, comes before the name.
        if nonce.is_empty() {
            return Err(Refused);
        }
        Ok(Self {
            user: unescaped(user)?,
            header: header.to_owned(),
            bare: bare.to_owned(),
            nonce: nonce.to_owned(),
        })
    }
}

impl Exchange {
    /// Begins an exchange; `nonce` is the server's, which is used once. Returns the challenge.
    pub(crate) fn begin(
        mechanism: Mechanism,
        keys: ScramKeys,
        first: ClientFirst,
        nonce: &str,
        skips_empty: bool,
    ) -> (Self, Answer) {
        let ClientFirst { header, bare, nonce: client, .. } = first;
        let nonce = format!("{client}{nonce}");
        let challenge = format!("r={nonce},s={},i={}", BASE64.encode(&keys.salt), keys.iterations);
        let messages = format!("{bare},{challenge}");
        let state = State::Challenged;
        let exchange = Self { mechanism, keys, header, nonce, messages, skips_empty, state };
        (exchange, Answer { payload: challenge.into_bytes(), done: false })
    }

    /// Whether the next message of the client has its proof.
    pub(crate) fn awaits_proof(&self) -> bool {
        self.state == State::Challenged
    }

    /// Takes the next message of the client. After an error, the exchange is over.
    pub(crate) fn go_on(&mut self, payload: &[u8]) -> Result<Answer, Refused> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Challenged => {
                let signature = self.verified(text(payload)?)?;
                let done = self.skips_empty;
                self.state = if done { State::Ended } else { State::Verified };
                let payload = format!("v={}", BASE64.encode(&signature)).into_bytes();
                Ok(Answer { payload, done })
            }
            State::Verified if payload.is_empty() => Ok(Answer { payload: Vec::new(), done: true }),
            State::Verified | State::Ended => Err(Refused),
        }
    }

    /// Checks `c=…,r=…,p=…`, and returns the signature of the server.
    fn verified(&self, text: &str) -> Result<Vec<u8>, Refused> {
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Refused)?;
        let mut fields = without_proof.split(',');
        let binding = field(fields.next(), "c=")?;
        let nonce = field(fields.next(), "r=")?;
        if binding != BASE64.encode(self.header.as_bytes()) || nonce != self.nonce {
            return Err(Refused);
        }
        let proof = BASE64.decode(proof.as_bytes()).map_err(|_| Refused)?;
        let messages = format!("{},{without_proof}", self.messages);
        self.mechanism.verify(&self.keys, messages.as_bytes(), &proof).ok_or(Refused)
    }
}

fn text(payload: &[u8]) -> Result<&str, Refused> {
    if payload.len() > MOST_BYTES {
        return Err(Refused);
    }
    std::str::from_utf8(payload).map_err(|_| Refused)
}

fn field<'t>(field: Option<&'t str>, name: &str) -> Result<&'t str, Refused> {
    field.and_then(|field| field.strip_prefix(name)).ok_or(Refused)
}

/// A name in which `,` is `=2C` and `=` is `=3D`.
fn unescaped(name: &str) -> Result<String, Refused> {
    let mut parts = name.split('=');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (letter, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(Refused),
        };
        plain.push(letter);
        plain.push_str(rest);
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use argon_core::storage::Secret;
    use argon_core::users::ScramKeys;

    use super::*;

    /// The keys in the example of RFC 7677, of the password `pencil`.
    fn keys() -> ScramKeys {
        let bytes = |text: &str| BASE64.decode(text.as_bytes()).unwrap();
        ScramKeys {
            salt: bytes("W22ZaJ0SNY7soEsUEjb6gQ=="),
            iterations: 4096,
            stored_key: bytes("WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="),
            server_key: bytes("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="),
        }
    }

    const NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn begun(skips_empty: bool) -> Exchange {
        let first = ClientFirst::parse(FIRST).unwrap();
        assert_eq!(first.user, "user");
        let (exchange, answer) =
            Exchange::begin(Mechanism::Sha256, keys(), first, NONCE, skips_empty);
        let challenge = String::from_utf8(answer.payload).unwrap();
        assert_eq!(
            challenge,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        exchange
    }

    #[test]
    fn the_exchange_of_the_rfc_succeeds_once() {
        let mut exchange = begun(false);
        let answer = exchange.go_on(FINAL.as_bytes()).unwrap();
        assert_eq!(answer.payload, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert!(!answer.done);
        assert!(exchange.go_on(b"").unwrap().done);
        assert_eq!(exchange.go_on(b""), Err(Refused));
        let mut exchange = begun(true);
        assert!(exchange.go_on(FINAL.as_bytes()).unwrap().done);
        assert_eq!(exchange.go_on(FINAL.as_bytes()), Err(Refused), "a replay");
    }

    #[test]
    fn another_nonce_binding_or_proof_is_refused_and_ends_the_exchange() {
        for wrong in [
            FINAL.replace("k0,", "k1,"),
            FINAL.replace("r=r", "r=s"),
            FINAL.replace("c=biws", "c=eSws"),
            FINAL.replace("p=d", "p=e"),
            FINAL.replace(",p=", ",x=1,p="),
            FINAL.replace("c=biws,", ""),
            String::new(),
            "c=biws,r=,p=".to_owned(),
            format!("{FINAL}{}", "A".repeat(5000)),
        ] {
            let mut exchange = begun(true);
            assert_eq!(exchange.go_on(wrong.as_bytes()), Err(Refused), "{wrong}");
            assert_eq!(exchange.go_on(FINAL.as_bytes()), Err(Refused), "after {wrong}");
        }
    }

    #[test]
    fn a_first_message_names_a_user_and_nothing_else() {
        let user = |text: &str| ClientFirst::parse(text.as_bytes()).map(|first| first.user);
        assert_eq!(user("n,,n=a=2Cb=3Dc,r=x"), Ok("a,b=c".to_owned()));
        assert_eq!(user("y,,n=ü,r=x,e=1"), Ok("ü".to_owned()));
        for wrong in [
            "",
            "n,,",
            "n,,n=a",
            "n,,n=a,r=",
            "n,a=root,n=a,r=x",
            "p=tls-unique,,n=a,r=x",
            "n,,m=x,n=a,r=x",
            "n,,n=a=2Zb,r=x",
            "n=a,r=x",
        ] {
            assert_eq!(user(wrong), Err(Refused), "{wrong}");
        }
        assert_eq!(ClientFirst::parse(&[b'n', b',', b',', 0xff]), Err(Refused));
    }

    #[test]
    fn the_keys_of_a_password_are_not_shown() {
        let shown = format!("{:?} {:?}", begun(true), Secret::new("pencil"));
        assert!(!shown.contains("pencil") && !shown.contains("salt"), "{shown}");
    }
}
