// Verifies bundles and receipts in the browser.
