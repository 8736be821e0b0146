// Forms whose records are signed in the browser.
