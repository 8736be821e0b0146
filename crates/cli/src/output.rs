//! How things look: data on stdout, everything else on stderr, sensible without colour.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

pub(crate) use ore_exchange::words::{grade, short, thousands, weight as mass};

use crate::failure::{Failure, Outcome};

/// Prints data. A reader that goes away (`| head`) ends the command quietly.
pub(crate) fn data(text: &str) -> Outcome {
    let mut out = io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::usage(
            format_args!("write to standard output: {error}"),
            "check where the output goes",
        )),
        _ => Ok(()),
    }
}

/// Prints one JSON value.
pub(crate) fn json(value: &Value) -> Outcome {
    data(&serde_json::to_string_pretty(value).expect("a JSON value prints"))
}

/// A note for people, on stderr.
pub(crate) fn note(text: impl AsRef<str>) {
    eprintln!("{}", text.as_ref());
}

/// Whether stdout takes colour: a terminal, and nobody said NO_COLOR.
pub(crate) fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Text in bold where colour is taken.
pub(crate) fn bold(text: &str) -> String {
    if colour() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// Text in a dim colour where colour is taken.
pub(crate) fn dim(text: &str) -> String {
    if colour() { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
}

/// Columns, left aligned; those named in `right` right aligned. Trailing blanks are cut.
pub(crate) fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| {
                let pad = " ".repeat(widths[column] - cell.chars().count());
                if right.contains(&column) { format!("{pad}{cell}") } else { format!("{cell}{pad}") }
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Milligrams in kilograms with three decimals at most: for columns.
pub(crate) fn kilograms(mg: u64) -> String {
    let grams = mg.saturating_add(500) / 1_000;
    format!("{}.{:03} kg", thousands(grams / 1_000), grams % 1_000)
}

/// A share in units of 10^-18 as a percentage with two decimals, rounded; never "0.00 %" for something.
pub(crate) fn percent(e18: u64) -> String {
    let hundredths = (u128::from(e18) * 10_000 + 500_000_000_000_000_000) / 1_000_000_000_000_000_000;
    if hundredths == 0 && e18 > 0 {
        return "<0.01 %".to_owned();
    }
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// A share in units of 10^-18 as an exact decimal.
pub(crate) fn decimal(e18: u64) -> String {
    format!("{}.{:018}", e18 / 1_000_000_000_000_000_000, e18 % 1_000_000_000_000_000_000)
}

/// A bar of at most `width` blocks for a share.
pub(crate) fn bar(e18: u64, width: u64) -> String {
    let eighths = (u128::from(e18) * u128::from(width) * 8 / 1_000_000_000_000_000_000) as usize;
    let mut text = "█".repeat(eighths / 8);
    text.push_str(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_are_exact_and_short() {
        assert_eq!(mass(398_728_000), "398.728 kg");
        assert_eq!(mass(45_000_000), "45 kg");
        assert_eq!(mass(900_000_000_000), "900 t");
        assert_eq!(mass(7), "7 mg");
        assert_eq!(mass(1_234_567_000_001), "1,234.567000001 t");
    }

    #[test]
    fn shares_are_rounded_to_a_hundredth_of_a_percent() {
        assert_eq!(percent(1_000_000_000_000_000_000), "100.00 %");
        assert_eq!(percent(123_456_000_000_000_000), "12.35 %");
        assert_eq!(percent(1), "<0.01 %");
        assert_eq!(percent(0), "0.00 %");
    }

    #[test]
    fn a_table_is_aligned() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["bcd".to_owned(), "22".to_owned()]];
        assert_eq!(table(&rows, &[1]), "a     1\nbcd  22\n");
    }
}
