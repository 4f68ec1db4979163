"""How pages look: base templates, stylesheet, filters, tables, charts and exports."""
