//! Closed lists of others: countries and customs codes. Sources are in `codes/README.md`.

/// ISO 3166-1 alpha-2, sorted, two letters each.
static COUNTRIES: &[u8] = include_bytes!("codes/iso3166.txt");

/// Harmonized System 2022, six-digit codes as three big-endian bytes each, sorted.
static HS_2022: &[u8] = include_bytes!("codes/hs2022.bin");

/// Name of the table that [`is_hs_code`] knows, as a profile writes it.
pub const HS_TABLE: &str = "HS2022";

/// Whether `code` is an officially assigned ISO 3166-1 alpha-2 code.
#[must_use]
pub fn is_country(code: &str) -> bool {
    let (codes, _) = COUNTRIES.as_chunks::<2>();
    <[u8; 2]>::try_from(code.as_bytes()).is_ok_and(|code| codes.binary_search(&code).is_ok())
}

/// Whether `code` is a six-digit code of the Harmonized System 2022.
#[must_use]
pub fn is_hs_code(code: &str) -> bool {
    if code.len() != 6 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
        return false;
    }
    let number = code.bytes().fold(0_u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let [_, bytes @ ..] = number.to_be_bytes();
    let (codes, _) = HS_2022.as_chunks::<3>();
    codes.binary_search(&bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_codes_are_found_and_others_are_not() {
        assert!(is_country("AU") && is_country("CD") && is_country("ZW") && is_country("AD"));
        assert!(!is_country("ZZ") && !is_country("au") && !is_country("A") && !is_country("XX"));
        // Niobium, tantalum, vanadium or zirconium ores; tantalum, unwrought; the first and the last code.
        assert!(is_hs_code("261590") && is_hs_code("810320") && is_hs_code("010121") && is_hs_code("970690"));
        assert!(
            !is_hs_code("999999") && !is_hs_code("2615") && !is_hs_code("26159x") && !is_hs_code("2615900")
        );
    }

    #[test]
    fn tables_are_sorted_and_whole() {
        let (countries, rest) = COUNTRIES.as_chunks::<2>();
        assert!(rest.is_empty() && countries.len() == 249 && countries.is_sorted());
        let (codes, rest) = HS_2022.as_chunks::<3>();
        assert!(rest.is_empty() && codes.is_sorted() && codes.len() == 5612);
    }
}
