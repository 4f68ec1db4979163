"""Primary care of ASM beneficiaries: what a run found, what people entered by hand, and where the telehealth waivers apply."""
