//! Where credentials live: the public address of a node, and what is named under it.
//!
//! Everything that a credential names must be a URI that its reader can follow, so all of them are made
//! here from one base. `did:web` (W3C CCG) turns the same address into the name of an issuer.

use ore_record::v1::Facility;

/// The public address of a node: scheme, host, perhaps a port, no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    base: String,
    host: String,
}

/// An address that no credential can be issued under.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address such as https://ledger.example.com: a scheme, a host, perhaps a port")]
pub struct BadPlace(String);

/// Longest address, in bytes.
const MAX_BYTES: usize = 256;

impl Place {
    /// Reads an address.
    ///
    /// # Errors
    /// [`BadPlace`].
    pub fn parse(url: &str) -> Result<Self, BadPlace> {
        let bad = || BadPlace(url.chars().take(MAX_BYTES).collect());
        let base = url.trim().trim_end_matches('/');
        let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")).ok_or_else(bad)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if host.is_empty() || base.len() > MAX_BYTES || !host.chars().all(allowed) {
            return Err(bad());
        }
        Ok(Self { base: base.to_owned(), host: host.to_ascii_lowercase() })
    }

    /// The place that a request was made to, by its `Host` header.
    ///
    /// # Errors
    /// [`BadPlace`].
    pub fn of_host(host: &str, tls: bool) -> Result<Self, BadPlace> {
        Self::parse(&format!("{}://{host}", if tls { "https" } else { "http" }))
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// DID of the node: `/.well-known/did.json`.
    #[must_use]
    pub fn node_did(&self) -> String {
        format!("did:web:{}", self.host.replace(':', "%3A").replace(['[', ']'], ""))
    }

    /// DID of a member: `/id/<member>/did.json`.
    #[must_use]
    pub fn member_did(&self, member: &str) -> String {
        format!("{}:id:{member}", self.node_did())
    }

    /// Where a lot is shown.
    #[must_use]
    pub fn lot(&self, lot: &str) -> String {
        format!("{}/v1/lots/{}", self.base, escape(lot))
    }

    /// Where a facility's record is.
    #[must_use]
    pub fn facility(&self, facility: &str) -> String {
        format!("{}/untp/facilities/{}", self.base, escape(facility))
    }

    /// Where the receipt of a record is.
    #[must_use]
    pub fn receipt(&self, record_hex: &str) -> String {
        format!("{}/v1/records/{record_hex}/receipt", self.base)
    }

    /// Where a status list is.
    #[must_use]
    pub fn status_list(&self, list: u64) -> String {
        format!("{}/untp/status/{list}", self.base)
    }

    /// The URI of a facility in credentials: its GLN as a GS1 Digital Link, its own URI, or its record here.
    #[must_use]
    pub fn facility_uri(&self, facility: &Facility) -> String {
        let reference = facility.reference.as_str();
        if reference.len() == 13 && reference.bytes().all(|byte| byte.is_ascii_digit()) {
            return format!("https://id.gs1.org/414/{reference}");
        }
        if reference.contains("://") && !reference.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return reference.to_owned();
        }
        self.facility(&facility.id)
    }
}

/// Percent-encodes what may not stand in a path (RFC 3986 §3.3); a slash stays one.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_escaped_in_a_did() {
        let place = Place::parse("https://Ledger.example.com:8443/").expect("an address");
        assert_eq!(place.member_did("refiner-a"), "did:web:ledger.example.com%3A8443:id:refiner-a");
        assert_eq!(place.lot("mine-a/L 1"), "https://Ledger.example.com:8443/v1/lots/mine-a/L%201");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in
            ["", "ledger.example.com", "ftp://a", "https://", "https://a/b", "https://a b", "https://a?x"]
        {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }
}
