"""Everything that checks orchestr8: cases, laws, conformance, scenarios, hosts to run them on."""
