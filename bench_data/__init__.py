"""Small generated samples with golden models and scores, and the script that makes them."""
