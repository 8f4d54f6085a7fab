//! CRC-64 with the polynomial of ECMA-182, reflected, as `mongodump` computes it (Go's `crc64.ECMA`).

const POLYNOMIAL: u64 = 0xc96c_5795_d787_0f42;

static TABLE: [u64; 256] = table();

const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

/// An incremental checksum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Crc64(u64);

impl Crc64 {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0 = !bytes.iter().fold(!self.0, |crc, byte| {
            let index = (crc & 0xff) as u8 ^ byte;
            TABLE[usize::from(index)] ^ (crc >> 8)
        });
    }

    pub(super) fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_comes_out_however_the_bytes_are_cut() {
        // CRC-64/XZ in the catalogue of parametrised CRC algorithms.
        let mut crc = Crc64::default();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.get(), 0x995d_c9bb_df19_39fa);
    }
}
