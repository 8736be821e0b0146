//! The pages in a headless Chromium, over the demo's ledger.
//!
//! Where there is no Chromium each test says that it is left out; with `ORELEDGER_BROWSER=required`, as in CI, that is a
//! failure. `ORELEDGER_PICTURES=FOLDER` keeps pictures of what was seen.

mod chromium;
mod demo;
mod entering;
mod origin;
mod pages;
mod passport;
mod verifying;
