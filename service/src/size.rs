//! Numbers of bytes, as they are shown and as they are given.

const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/// A number of bytes in a unit that keeps it short.
pub fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// What a person gives as a number of bytes: `0`, `1048576`, `512MiB`, `1.5 GiB`.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit.trim() {
        "" | "B" => Some(0),
        unit => UNITS.iter().position(|known| known.eq_ignore_ascii_case(unit)),
    };
    let expected =
        || format!("invalid size '{text}': expected a number of bytes, KiB, MiB, GiB or TiB");
    let unit = unit.ok_or_else(expected)?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole
            .checked_mul(1 << (10 * unit))
            .ok_or_else(|| format!("invalid size '{text}': expected less than 16777216 TiB"));
    }
    let number: f64 = number.parse().map_err(|_| expected())?;
    #[expect(clippy::cast_precision_loss, reason = "a power of two")]
    let bytes = number * (1_u64 << (10 * unit)) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_a_unit_that_keeps_them_short() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn sizes_are_read_in_each_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("7B", 7),
            ("12 bytes", 12),
            ("512MiB", 512 << 20),
            (" 1.5 gib", 3 << 29),
            ("2TiB", 2 << 40),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1MB", "1 2", "1.2.3", "1e3", "99999999999999 TiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
