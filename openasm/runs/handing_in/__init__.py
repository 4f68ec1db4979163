"""What a submission needs beside the run: levels compared, counts by sex, race, ethnicity and payer."""
