"""What a site draws, fitted on measured sites: by configuration, load and saving modes."""
