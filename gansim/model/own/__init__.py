"""What a user gives as code: games of one's own, and what is known of any such code."""
