<?php
/**
 * Plugin Name: Headache Screener
 * Description: Shows your clinic's headache questionnaire on a page, by a block or the shortcode [headache_screener clinic="acme"].
 * Version: 1.0.0
 * Requires at least: 6.1
 * Requires PHP: 7.4
 * License: MIT
 * Text Domain: headache-screener
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

// Where the questionnaire is served. No attribute: whoever may write a page could load any script by it.
if ( ! defined( 'HEADACHE_SCREENER_HOME' ) ) {
	define( 'HEADACHE_SCREENER_HOME', 'https://screen.example' );
}

/** The attributes of the block and of the shortcode, and what they are if left out. */
function headache_screener_defaults() {
	return array(
		'clinic'     => '',
		'lang'       => '',
		'theme'      => '',
		'mode'       => '',
		'min_height' => '',
		'text'       => '',
	);
}

/** A value that the loader knows, or nothing. */
function headache_screener_option( $name, $value ) {
	$known = array(
		'lang'       => '/\A[a-z]{2,3}\z/',
		'theme'      => '/\A(light|dim|dark)\z/',
		'mode'       => '/\A(auto|inline|link)\z/',
		'min_height' => '/\A[1-9][0-9]{1,3}\z/',
	);
	return is_scalar( $value ) && preg_match( $known[ $name ], (string) $value ) ? (string) $value : '';
}

/** The place kept free, so that nothing below jumps: a frame's height, or a card's where the window is small. */
function headache_screener_reserved( $mode, $height ) {
	if ( 'link' === $mode ) {
		return '';
	}
	$height = sprintf( '%dpx', $height ? $height : 840 );
	if ( 'inline' !== $mode ) {
		$height = sprintf( 'clamp(64px,(100vw - 760px)*999,%s)', $height );
	}
	return sprintf( ' style="display:block;min-height:%s"', $height );
}

/** The questionnaire's place: a link, which the script turns into the questionnaire. */
function headache_screener_render( $attributes ) {
	$given  = shortcode_atts( headache_screener_defaults(), (array) $attributes, 'headache_screener' );
	$clinic = is_scalar( $given['clinic'] ) ? (string) $given['clinic'] : '';
	if ( ! preg_match( '/\A[a-z0-9-]{2,40}\z/', $clinic ) ) {
		// Visitors need not know; whoever writes the page does.
		return current_user_can( 'edit_posts' )
			? '<p>' . esc_html__( 'Headache Screener: enter the name of your clinic, as it stands in its address.', 'headache-screener' ) . '</p>'
			: '';
	}
	$options = '';
	foreach ( array( 'lang', 'theme', 'mode', 'min_height' ) as $name ) {
		$value = headache_screener_option( $name, $given[ $name ] );
		if ( '' !== $value ) {
			$options .= sprintf( ' data-ms-%s="%s"', str_replace( '_', '-', $name ), esc_attr( $value ) );
		}
	}
	$style  = headache_screener_reserved( $given['mode'], (int) headache_screener_option( 'min_height', $given['min_height'] ) );
	$text   = is_scalar( $given['text'] ) ? trim( (string) $given['text'] ) : '';
	if ( '' === $text ) {
		$text = __( 'Start the headache questionnaire', 'headache-screener' );
	}
	wp_enqueue_script( 'headache-screener', HEADACHE_SCREENER_HOME . '/e/v1.js', array(), null, array( 'strategy' => 'async', 'in_footer' => true ) );
	return sprintf(
		'<div data-ms-clinic="%s"%s%s><a href="%s">%s</a></div>',
		esc_attr( $clinic ),
		$options,
		$style,
		esc_url( HEADACHE_SCREENER_HOME . '/c/' . $clinic ),
		esc_html( $text )
	);
}

/** The block in the editor: its settings, and a line that says what will stand there. */
function headache_screener_editor() {
	return <<<'JS'
( function ( blocks, editor, parts, el ) {
	var choices = {
		lang: [ [ '', 'As the device' ], [ 'en', 'English' ], [ 'es', 'Español' ] ],
		theme: [ [ '', 'As the device' ], [ 'light', 'Light' ], [ 'dim', 'Dim' ], [ 'dark', 'Dark' ] ],
		mode: [ [ '', 'Inside the page; on phones a link' ], [ 'inline', 'Always inside' ], [ 'link', 'Always a link' ] ]
	};
	var labels = { clinic: 'Clinic, as in its address', text: 'Words of the link', lang: 'Language', theme: 'Colors', mode: 'Shown' };
	blocks.registerBlockType( 'headache-screener/questionnaire', {
		apiVersion: 3,
		title: 'Headache screener',
		category: 'embed',
		icon: 'forms',
		edit: function ( props ) {
			function control( name ) {
				var about = { key: name, label: labels[ name ], value: props.attributes[ name ] || '' };
				about.onChange = function ( value ) {
					var change = {};
					change[ name ] = value;
					props.setAttributes( change );
				};
				if ( choices[ name ] ) {
					about.options = choices[ name ].map( function ( pair ) {
						return { value: pair[ 0 ], label: pair[ 1 ] };
					} );
				}
				return el( choices[ name ] ? parts.SelectControl : parts.TextControl, about );
			}
			return el( 'div', editor.useBlockProps(),
				el( editor.InspectorControls, {}, el( parts.PanelBody, { title: 'Questionnaire' }, Object.keys( labels ).map( control ) ) ),
				el( 'p', {}, 'Headache questionnaire: ' + ( props.attributes.clinic || 'enter the clinic at the side' ) )
			);
		},
		save: function () {
			return null;
		}
	} );
} )( wp.blocks, wp.blockEditor, wp.components, wp.element.createElement );
JS;
}

add_action(
	'init',
	function () {
		add_shortcode( 'headache_screener', 'headache_screener_render' );
		wp_register_script( 'headache-screener-editor', false, array( 'wp-blocks', 'wp-block-editor', 'wp-components', 'wp-element' ), '1.0.0', true );
		wp_add_inline_script( 'headache-screener-editor', headache_screener_editor() );
		$attributes = array();
		foreach ( array_keys( headache_screener_defaults() ) as $name ) {
			$attributes[ $name ] = array(
				'type'    => 'string',
				'default' => '',
			);
		}
		register_block_type(
			'headache-screener/questionnaire',
			array(
				'api_version'           => 3,
				'title'                 => 'Headache screener',
				'attributes'            => $attributes,
				'editor_script_handles' => array( 'headache-screener-editor' ),
				'render_callback'       => 'headache_screener_render',
			)
		);
	}
);
