"""Speed, each figure beside a peer and a limit of the same run: trust the ratios, not the absolute figures."""
