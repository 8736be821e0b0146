//! Stocktakes: book against physical stock, against both denominators.

use super::{Exact, Fraction};

/// Movements of one material over a period, all in the same unit of mass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Physical stock at the start.
    pub opening: Fraction,
    /// What came in.
    pub receipts: Fraction,
    /// What went out.
    pub shipments: Fraction,
    /// Losses that were declared.
    pub losses: Fraction,
    /// Physical stock at the end.
    pub physical_closing: Fraction,
}

/// What a stocktake found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// Opening + receipts - shipments - losses.
    pub book_closing: Fraction,
    /// Physical minus book: negative when something is missing.
    pub variance: Fraction,
    /// Variance in percent of the book's closing stock; `None` when the book is at zero.
    pub percent_of_book_closing: Option<Fraction>,
    /// Variance in percent of opening + receipts; `None` when nothing was there.
    pub percent_of_throughput: Option<Fraction>,
}

/// Compares a period's books with its physical stock.
///
/// # Errors
/// A result that does not fit.
pub fn reconcile(period: &Period) -> Exact<Reconciliation> {
    let throughput = period.opening.plus(period.receipts)?;
    let book_closing = throughput.minus(period.shipments)?.minus(period.losses)?;
    let variance = period.physical_closing.minus(book_closing)?;
    let percent = |whole: Fraction| -> Exact<Option<Fraction>> {
        if whole == Fraction::ZERO {
            return Ok(None);
        }
        variance.times(Fraction::whole(100))?.over(whole.magnitude()?).map(Some)
    };
    Ok(Reconciliation {
        book_closing,
        variance,
        percent_of_book_closing: percent(book_closing)?,
        percent_of_throughput: percent(throughput)?,
    })
}

/// Whether a percentage stays within a tolerance, either way; a missing one passes only at no variance.
///
/// # Errors
/// A result that does not fit.
pub fn passes(found: &Reconciliation, percent: Option<Fraction>, tolerance_percent: Fraction) -> Exact<bool> {
    match percent {
        Some(percent) => Ok(percent.magnitude()? <= tolerance_percent),
        None => Ok(found.variance == Fraction::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_book_has_no_percentage_and_passes_only_without_variance() {
        let zero = Fraction::ZERO;
        let mut period =
            Period { opening: zero, receipts: zero, shipments: zero, losses: zero, physical_closing: zero };
        let clean = reconcile(&period).unwrap();
        assert_eq!(clean.percent_of_book_closing, None);
        assert_eq!(passes(&clean, None, Fraction::ONE), Ok(true));
        period.physical_closing = Fraction::ONE;
        let found = reconcile(&period).unwrap();
        assert_eq!(passes(&found, found.percent_of_throughput, Fraction::ONE), Ok(false));
    }
}
